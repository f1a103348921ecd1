// SPDX-License-Identifier: MIT
#include "object/path_finder.h"

#include <sys/eventfd.h>

#include <list>
#include <map>
#include <system_error>
#include <tuple>
#include <utility>

#include "base/fd.h"
#include "object/by_handle.h"
#include "object/by_ioctl.h"
#include "object/by_open_file.h"
#include "object/walker.h"

namespace fsherald {
namespace {

using Clock = std::chrono::steady_clock;

// What was tried for one inode, and what it gave.
struct Known {
  Clock::time_point until;
  FoundPath found;
  bool handle_tried = false;
  bool walked = false;
  std::optional<uint32_t> tid_tried;  // the task whose open files were looked through last
};

// What is known of the inodes asked for last.
class Cache {
 public:
  struct Id {
    uint32_t filesystem_key = 0;
    uint64_t root = 0;   // the subvolume that the inode's number is of
    uint64_t inode = 0;  // or the place on the device
    std::optional<Range> place = {};
    std::optional<DeviceNumber> place_on = {};
    auto operator<=>(const Id&) const = default;
  };

  // Makes an empty one if there is none that still holds.
  Known& Get(const Id& id, Clock::time_point now) {
    const auto at = index_.find(id);
    if (at == index_.end()) {
      if (index_.size() >= kMaxKnown) {
        index_.erase(entries_.back().first);
        entries_.pop_back();
      }
      entries_.emplace_front(id, Fresh(now));
      index_.emplace(id, entries_.begin());
    } else {
      entries_.splice(entries_.begin(), entries_, at->second);
      if (entries_.front().second.until <= now) entries_.front().second = Fresh(now);
    }
    return entries_.front().second;
  }

 private:
  static constexpr size_t kMaxKnown = 4096;
  static Known Fresh(Clock::time_point now) {
    Known known;
    known.until = now + PathFinder::kRetryAfter;
    return known;
  }

  using Entries = std::list<std::pair<Id, Known>>;  // the last asked for first
  Entries entries_;
  std::map<Id, Entries::iterator> index_;
};

// What was found for an inode number, to one who asks for this generation of it.
FoundPath ForGeneration(const FoundPath& found, std::optional<uint32_t> generation) {
  if (generation && found.generation && *generation != *found.generation) {
    return FoundPath{std::nullopt, std::nullopt, generation};
  }
  FoundPath result = found;
  if (generation) result.generation = generation;
  return result;
}

}  // namespace

class PathFinder::Impl {
 public:
  Impl(Options options, Fd event)
      : options_(std::move(options)),
        event_(std::move(event)),
        walker_(event_.get(), options_.proc_root, options_.dev_root, options_.walk_limit, options_.max_waiting) {}

  std::optional<FoundPath> FindNow(const PathQuery& query) {
    if (query.place) return FindPlaceNow(query);
    Known& known = KnownOf(query);
    if (auto found = ForGeneration(known.found, query.generation); found.path) return found;
    if (query.loadable && !std::exchange(known.handle_tried, true)) {
      if (query.root) {
        if (const auto found = FindByIoctl(query)) return Keep(known, *found, query);
      } else if (const auto found = FindByHandle(query, options_.proc_root)) {
        return Keep(known, *found, query);
      }
    }
    if (!query.root && query.task && query.task->tid && known.tid_tried != query.task->tid) {
      known.tid_tried = query.task->tid;
      if (const auto found = FindByOpenFile(query, options_.proc_root)) return Keep(known, *found, query);
    }
    if (known.walked) return ForGeneration(known.found, query.generation);
    return std::nullopt;
  }

  bool Submit(const PathQuery& query, uint64_t ticket) {
    const Known& known = KnownOf(query);
    if (!known.walked && query.place && IsPaused(query)) return false;
    if (!known.walked) return walker_.Submit(query, ticket);
    if (answers_.size() >= kMaxAnswers) return false;
    answers_.push_back(Answer{ticket, ForGeneration(known.found, query.generation)});
    ::eventfd_write(event_.get(), 1);
    return true;
  }

  std::vector<Answer> Collect() {
    eventfd_t ignored = 0;
    ::eventfd_read(event_.get(), &ignored);  // first: what is done after it wakes us again
    for (const Walker::Walk& walk : walker_.Collect()) {
      for (const Walker::Ticket& ticket : walk.tickets) {
        answers_.push_back(Answer{ticket.number, ForGeneration(walk.found, ticket.generation)});
      }
      Known& known = KnownOf(walk.query);
      if (!known.found.path) known.found = walk.found;
      known.walked = true;
      known.until = options_.now() + kRetryAfter;
      if (!walk.complete) paused_until_[walk.query.filesystem_key] = known.until;
    }
    return std::exchange(answers_, {});
  }

  int event_fd() const { return event_.get(); }

 private:
  static constexpr size_t kMaxAnswers = 4096;

  Known& KnownOf(const PathQuery& query) {
    return cache_.Get({query.filesystem_key, query.root.value_or(0), query.inode, query.place, query.place_on},
                      options_.now());
  }

  // Whose a place is, never is told at once but by the cache.
  std::optional<FoundPath> FindPlaceNow(const PathQuery& query) {
    const Known& known = KnownOf(query);
    if (known.walked) return known.found;
    return std::nullopt;
  }

  // A device that fails in many places is not read for each of them.
  bool IsPaused(const PathQuery& query) {
    std::erase_if(paused_until_, [&](const auto& paused) { return paused.second <= options_.now(); });
    return paused_until_.contains(query.filesystem_key);
  }

  static FoundPath Keep(Known& known, const FoundPath& found, const PathQuery& query) {
    known.found = found;
    return ForGeneration(found, query.generation);
  }

  Options options_;
  Fd event_;
  Cache cache_;
  std::map<uint32_t, Clock::time_point> paused_until_;  // by file system key: whose look-ups by sector were given up
  std::vector<Answer> answers_;                         // not collected yet
  Walker walker_;
};

Result<std::unique_ptr<PathFinder>> PathFinder::Start(Options options) {
  Fd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) return ErrnoError("make", "an eventfd");
  try {
    auto impl = std::make_unique<Impl>(std::move(options), std::move(event));
    return std::unique_ptr<PathFinder>(new PathFinder(std::move(impl)));
  } catch (const std::system_error& error) {
    return ErrnoError("start", "a thread to look for paths", error.code().value());
  }
}

PathFinder::PathFinder(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PathFinder::~PathFinder() = default;
std::optional<FoundPath> PathFinder::FindNow(const PathQuery& query) { return impl_->FindNow(query); }
bool PathFinder::Submit(const PathQuery& query, uint64_t ticket) { return impl_->Submit(query, ticket); }
int PathFinder::event_fd() const { return impl_->event_fd(); }
std::vector<PathFinder::Answer> PathFinder::Collect() { return impl_->Collect(); }

}  // namespace fsherald
