// SPDX-License-Identifier: MIT
#include "follower.h"

#include <poll.h>
#include <signal.h>

namespace fsherald::system_test {
namespace {

Process Start(const std::string& directory, const std::vector<std::string>& arguments, const Pipe& out) {
  Command command{{Program(), "history", "-f", "--json", "--store", directory}, {}, {}};
  command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
  return Process::Start(command, {{1, out.write.get()}});
}

}  // namespace

std::vector<Json> JsonLines(const std::string& output) {
  std::vector<Json> lines;
  for (size_t begin = 0, end; (end = output.find('\n', begin)) != std::string::npos; begin = end + 1)
    if (output[begin] == '{') lines.push_back(Json::parse(output.substr(begin, end - begin)));
  return lines;
}

Follower::Follower(const std::string& directory, const std::vector<std::string>& arguments)
    : process_(Start(directory, arguments, out_)) {
  out_.write.Reset();
}

void Follower::ReadMore() {
  pollfd readable{.fd = out_.read.get(), .events = POLLIN, .revents = 0};
  if (poll(&readable, 1, MillisecondsUntil(After(std::chrono::seconds(20)))) != 1 ||
      !ReadSome(out_.read.get(), output_))
    Fail("nothing more came of history -f: " + output_);
  lines_ = JsonLines(output_);
}

void Follower::ReadUntil(const std::function<bool()>& holds) {
  while (!holds()) ReadMore();
}

void Follower::ReadLines(size_t count) {
  ReadUntil([&] { return lines_.size() >= count; });
}

std::vector<Json> Follower::ChangesOf(const std::string& uuid) const {
  std::vector<Json> changes;
  for (const Json& line : lines_)
    if (line["kind"] == "health" && line["filesystem"]["uuid"] == uuid) changes.push_back(line);
  return changes;
}

std::vector<Json> Follower::ReadChanges(const std::string& uuid, size_t count) {
  ReadUntil([&] { return ChangesOf(uuid).size() >= count; });
  return ChangesOf(uuid);
}

int Follower::Stop() {
  process_.Signal(SIGINT);
  return process_.Wait(After(std::chrono::seconds(10)));
}

}  // namespace fsherald::system_test
