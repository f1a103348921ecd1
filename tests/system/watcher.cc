// SPDX-License-Identifier: MIT
#include "watcher.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <regex>

namespace fsherald::system_test {
namespace {

// An error is told within milliseconds; a machine under load may take longer. Only a failing test waits so long.
constexpr std::chrono::seconds kPatience{60};  // under emulation, on a busy machine

Process StartWatch(const std::vector<std::string>& arguments, const std::vector<std::string>& as, const Pipe& out,
                   const Pipe& err) {
  Command command{.arguments = as, .environment = {}, .directory = {}};
  for (const std::string& word : {Program(), std::string("watch"), std::string("--json")})
    command.arguments.push_back(word);
  command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
  return Process::Start(command, {{1, out.write.get()}, {2, err.write.get()}});
}

}  // namespace

std::string Program() {
  const char* named = std::getenv("FSHERALD");
  return named != nullptr ? named : FSHERALD_PROGRAM;
}

Watcher::Watcher(const std::vector<std::string>& arguments, const std::vector<std::string>& as)
    : out_(MakePipe()), err_(MakePipe()), process_(StartWatch(arguments, as, out_, err_)) {
  out_.write.Reset();
  err_.write.Reset();
  fcntl(out_.read.get(), F_SETPIPE_SZ, 1 << 20);
  const std::regex ready("(^|\n)ready");
  if (!WaitUntil([&] { return std::regex_search(talk_, ready); }, After(kPatience)))
    Fail("watch is not ready: " + talk_);
}

bool Watcher::WaitUntil(const std::function<bool()>& done, Deadline deadline) {
  while (!done()) {
    if ((!out_open_ && !err_open_) || MillisecondsUntil(deadline) == 0) return false;
    Read(deadline);
  }
  return true;
}

void Watcher::Read(Deadline deadline) {
  pollfd fds[] = {{.fd = out_open_ ? out_.read.get() : -1, .events = POLLIN, .revents = 0},
                  {.fd = err_open_ ? err_.read.get() : -1, .events = POLLIN, .revents = 0}};
  poll(fds, 2, MillisecondsUntil(deadline));
  if (fds[0].revents != 0) out_open_ = ReadSome(out_.read.get(), rest_);
  if (fds[1].revents != 0) err_open_ = ReadSome(err_.read.get(), talk_);
  TakeLines();
}

void Watcher::TakeLines() {
  size_t begin = 0;
  for (size_t end; (end = rest_.find('\n', begin)) != std::string::npos; begin = end + 1) {
    Json line = Json::parse(rest_.begin() + static_cast<ptrdiff_t>(begin), rest_.begin() + static_cast<ptrdiff_t>(end));
    (line.at("kind") == "health" ? changes_ : lines_).push_back(std::move(line));
  }
  rest_.erase(0, begin);
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  read_boottime_ns_.resize(lines_.size(), now.tv_sec * 1'000'000'000 + now.tv_nsec);
}

std::optional<int64_t> Watcher::LatencyNs(const Json& line) const {
  const auto found = std::ranges::find(lines_, line.at("seq"), [](const Json& one) { return one.at("seq"); });
  if (found == lines_.end() || line.at("boottime_ns").is_null()) return std::nullopt;
  return read_boottime_ns_[static_cast<size_t>(found - lines_.begin())] - line["boottime_ns"].get<int64_t>();
}

void Watcher::WaitUntilToldUpToNow(const Ext4Filesystem& sentinel) {
  static int number = 0;
  const std::string message = "sentinel " + std::to_string(++number);
  sentinel.Trigger(message);
  const auto told = [&] {
    for (const Json& line : About(sentinel)) {
      if (line.at("specific").is_object() && line["specific"].value("message", "") == message) return true;
    }
    return false;
  };
  if (!WaitUntil(told, After(kPatience))) Fail("the error \"" + message + "\" was not told: " + talk_);
}

int Watcher::Stop() {
  process_.Signal(SIGINT);
  const Deadline deadline = After(kPatience);
  WaitUntil([] { return false; }, deadline);
  const int status = process_.Wait(deadline);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::vector<Json> Watcher::About(const Ext4Filesystem& filesystem) const {
  return About(filesystem.uuid(), filesystem.device());
}

std::vector<Json> Watcher::About(const std::string& uuid, const std::string& device) const {
  std::vector<Json> found;
  for (const Json& line : lines_) {
    // A device of that name may have carried another file system before: only where nothing else is known, it tells.
    const Json& told = line.at("filesystem");
    const bool by_uuid = told.at("uuid") == uuid;
    const bool by_device = told.at("uuid").is_null() && told.at("device") == device;
    if (by_uuid || by_device) found.push_back(line);
  }
  return found;
}

uint64_t CountedErrors(const std::vector<Json>& lines) {
  uint64_t count = 0;
  for (const Json& line : lines) {
    // Nobody counts what user space writes to the log, also for another test.
    if (!line.at("trusted").get<bool>()) continue;
    const std::string kind = line.at("kind");
    const bool has_line = line.at("location").is_object() && !line["location"]["line"].is_null();
    if (kind == "metadata" || kind == "counter" || (kind == "shutdown" && has_line)) {
      count += line.at("error").at("count").get<uint64_t>();
    }
  }
  return count;
}

}  // namespace fsherald::system_test
