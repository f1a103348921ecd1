// SPDX-License-Identifier: MIT
#include "daemon/producer.h"

#include <sys/mman.h>

#include <algorithm>
#include <fstream>
#include <utility>

#include "base/clock.h"
#include "source/producer_record.h"

namespace fsherald {
namespace {

constexpr uint64_t kTaskKeptNs = 1'000'000'000;
constexpr uint64_t kMostCounted = uint64_t{1}
                                  << 53;  // what JSON's readers still hold exactly; a hostile number ends there

std::string FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// The unified hierarchy's line is "0::/user.slice".
std::optional<std::string> CgroupOf(const std::string& path) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("0::")) return line.substr(3);
  return std::nullopt;
}

}  // namespace

Task TaskOf(pid_t pid, const std::string& proc_root) {
  Task task;
  if (pid <= 0) return task;  // of a pid namespace that we do not see
  const std::string directory = proc_root + '/' + std::to_string(pid);
  task.pid = static_cast<uint32_t>(pid);
  task.comm = FirstLine(directory + "/comm");
  task.cgroup = CgroupOf(directory + "/cgroup");
  return task;
}

void ProducerClock::Update(ring::Clock clock, uint64_t now_ns) {
  now_ns_ = now_ns;
  Of(clock).Update();
}

uint64_t ProducerClock::ToBoottimeNs(ring::Clock clock, uint64_t ticks) const {
  const ring::TickTranslator& translator = clock == ring::kTsc ? tsc_ : boottime_;
  return std::min(translator.ToBoottimeNs(ticks), now_ns_);
}

Result<SharedMemory> SharedMemory::Map(int memfd, size_t bytes) {
  void* mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
  if (mapped == MAP_FAILED) return ErrnoError("map", "the memfd", errno == ENOMEM ? EAGAIN : EINVAL);
  return SharedMemory({static_cast<std::byte*>(mapped), bytes});
}

SharedMemory::~SharedMemory() {
  if (!span_.empty()) ::munmap(span_.data(), span_.size());
}

Result<std::unique_ptr<Producer>> Producer::Make(Identity identity, SharedMemory memory, Fd eventfd,
                                                 const std::string& proc_root) {
  auto reader = ring::RingReader::Open(memory.span());
  if (!reader) return Error{reader.error().what, EINVAL};
  std::unique_ptr<Producer> producer(
      new Producer(std::move(identity), std::move(memory), std::move(*reader), std::move(eventfd)));
  producer->proc_root_ = proc_root;
  producer->RefreshTask(BoottimeNowNs());
  return producer;
}

Producer::Producer(Identity identity, SharedMemory memory, ring::RingReader reader, Fd eventfd)
    : identity_(std::move(identity)),
      memory_(std::move(memory)),
      reader_(std::move(reader)),
      eventfd_(std::move(eventfd)),
      last_utc_ns_(UtcNowNs()) {}

// A process that has ended may have left its number to another one.
void Producer::RefreshTask(uint64_t now_ns) {
  if (ended_ || (task_read_ns_ != 0 && now_ns - task_read_ns_ < kTaskKeptNs)) return;
  task_read_ns_ = now_ns;
  Task task = TaskOf(identity_.peer.pid, proc_root_);
  if (!task.comm.empty() || task_.comm.empty()) task_ = std::move(task);
}

Producer::Turn Producer::Read(uint32_t limit, ProducerClock& clock, uint64_t now_ns, const Tell& tell, uint32_t& told,
                              uint64_t& refused) {
  reader_.Awake();
  clock.Update(reader_.clock(), now_ns);
  uint32_t read = 0;
  bool is_empty = false;
  while (read < limit && !is_empty) {
    const auto record = reader_.Next();
    if (!record) {
      is_empty = true;
      break;
    }
    ++read;
    if (ended_) read_since_end_ += ring::SlotBytes(record->payload.size());
    auto notification = ParseProducerRecord(record->payload);
    if (!notification) {
      ++refused;
      continue;
    }
    if (read == 1) RefreshTask(now_ns);
    tell(Complete(std::move(*notification), clock.ToBoottimeNs(reader_.clock(), record->ticks)), identity_.keys);
  }
  if (is_empty && !reader_.broken()) {
    if (const uint64_t counted = reader_.counted(); counted > 0 && !reader_.broken()) {
      ++read;
      tell(Counted(std::min(counted, kMostCounted), now_ns), identity_.keys);
    }
  }
  if (read > 0 && before_release_) before_release_(progress());
  reader_.Release();
  told += read;
  const bool is_asleep = is_empty && !reader_.broken() && reader_.Sleep();
  if (reader_.broken()) {
    tell(Broken(now_ns), identity_.keys);
    return Turn::kBroken;
  }
  last_utc_ns_ = UtcFromBoottimeNs(now_ns);
  if (is_asleep) return Turn::kAsleep;
  // An honest one has submitted between our last look and the next; who has ended is not there to do so.
  if (read == 0) {
    ++told;
    if (ended_) read_since_end_ += memory_.span().size();
  }
  return Turn::kMore;
}

Notification Producer::Complete(Notification notification, uint64_t boottime_ns) const {
  notification.boottime_ns = boottime_ns;
  notification.utc_ns = UtcFromBoottimeNs(boottime_ns);
  notification.filesystem = identity_.filesystem;
  notification.task = task_;
  if (notification.specific) notification.specific->type = identity_.filesystem.type;
  if (notification.object && notification.object->path && !identity_.mount_point.empty()) {
    const bool is_root = identity_.mount_point == "/";
    notification.object->path = (is_root ? "" : identity_.mount_point) + '/' + *notification.object->path;
  }
  return notification;
}

Notification Producer::Counted(uint64_t count, uint64_t now_ns) const {
  Notification notification;
  notification.error.count = count;
  notification.kind = Kind::kMetadata;
  notification.origin = Origin::kUser;
  notification.sources = SourceId::kProducer;
  return Complete(std::move(notification), now_ns);
}

Notification Producer::Broken(uint64_t now_ns) const {
  Notification notification;
  notification.error.count = 0;
  notification.kind = Kind::kGap;
  notification.origin = Origin::kUser;
  notification.sources = SourceId::kProducer;
  notification = Complete(std::move(notification), now_ns);
  notification.gap = Gap{.source = SourceId::kProducer,
                         .count = std::nullopt,
                         .exact = false,
                         .from_utc_ns = last_utc_ns_,
                         .to_utc_ns = notification.utc_ns};
  return notification;
}

}  // namespace fsherald
