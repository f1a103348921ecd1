// SPDX-License-Identifier: MIT
#include "source/fuse_servers.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

namespace fsherald {
namespace {

constexpr std::string_view kDevice = "/dev/fuse";
constexpr std::string_view kConnectionLine = "fuse_connection:\t";
constexpr size_t kFileBytes = 4096;

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

// A small file of /proc, whole; empty: it cannot be read.
std::string ReadSmallFile(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return {};
  std::string text(kFileBytes, '\0');
  const ssize_t bytes = ::read(fd.get(), text.data(), text.size());
  text.resize(bytes > 0 ? static_cast<size_t>(bytes) : 0);
  return text;
}

std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t value = 0;
  auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end == text.data()) return std::nullopt;
  return value;
}

bool IsFuseDevice(const std::string& link) {
  std::array<char, kDevice.size() + 1> target{};
  const ssize_t bytes = ::readlink(link.c_str(), target.data(), target.size());
  return bytes > 0 && std::string_view(target.data(), static_cast<size_t>(bytes)) == kDevice;
}

}  // namespace

Result<FuseServers> FuseServers::Open(std::string proc_root, std::string sys_root) {
  auto poller = Poller::Open();
  if (!poller) return poller.error();
  return FuseServers(std::move(proc_root), std::move(sys_root), std::move(*poller));
}

bool FuseServers::IsServed(std::string_view type) { return ModuleOf(type).type == "fuse"; }

// The kernel's number of a connection is the device number in its own encoding (fs/fuse/inode.c).
void FuseServers::Add(FilesystemKey key, DeviceNumber dev) {
  servers_[key].connection = static_cast<uint64_t>(dev.major) << 20 | dev.minor;
}

void FuseServers::Forget(FilesystemKey key) {
  auto it = servers_.find(key);
  if (it == servers_.end()) return;
  Drop(it->second);
  servers_.erase(it);
}

void FuseServers::Drop(Server& server) {
  for (const Holder& holder : server.holders) poller_.Remove(holder.pidfd.get());
  server.holders.clear();
}

void FuseServers::Look() {
  std::vector<Server*> fresh;
  for (auto& [key, server] : servers_)
    if (!server.looked) fresh.push_back(&server);
  if (!fresh.empty()) LookFor(fresh);
}

bool FuseServers::Covers(FilesystemKey key) const {
  auto it = servers_.find(key);
  return it != servers_.end() && !it->second.holders.empty();
}

void FuseServers::LookFor(const std::vector<Server*>& servers) {
  denied_ = false;
  for (Server* server : servers) {
    Drop(*server);
    server->looked = true;
  }
  const Directory processes(::opendir(proc_root_.c_str()));
  if (!processes) {
    denied_ = true;
    return;
  }
  while (const dirent* entry = ::readdir(processes.get()))
    if (std::optional<uint64_t> pid = ParseNumber(entry->d_name))
      denied_ = !LookInto(static_cast<uint32_t>(*pid), servers) || denied_;
}

// False: the process does not let us see what it has open.
bool FuseServers::LookInto(uint32_t pid, const std::vector<Server*>& servers) {
  const std::string path = proc_root_ + "/" + std::to_string(pid) + "/fd";
  const Directory descriptors(::opendir(path.c_str()));
  if (!descriptors) return errno != EACCES && errno != EPERM;
  while (const dirent* entry = ::readdir(descriptors.get())) {
    const std::string descriptor = entry->d_name;
    if (!IsFuseDevice(path + "/" + descriptor)) continue;
    const std::optional<uint64_t> connection = Connection(pid, descriptor);
    auto holds = [&](const Server* server) { return server->connection == connection; };
    auto it = std::ranges::find_if(servers, holds);
    if (it != servers.end()) AddHolder(**it, pid, descriptor);
  }
  return true;
}

std::optional<uint64_t> FuseServers::Connection(uint32_t pid, const std::string& descriptor) const {
  const std::string info = ReadSmallFile(proc_root_ + "/" + std::to_string(pid) + "/fdinfo/" + descriptor);
  const size_t at = info.find(kConnectionLine);
  if (at == info.npos) return std::nullopt;
  return ParseNumber(std::string_view(info).substr(at + kConnectionLine.size()));
}

// The number of a process may be another one's by the time that its descriptor is opened: the descriptor's own process
// holds the connection if it still does then.
void FuseServers::AddHolder(Server& server, uint32_t pid, const std::string& descriptor) {
  auto is_same = [pid](const Holder& holder) { return holder.task.pid == pid; };
  if (std::ranges::any_of(server.holders, is_same)) return;
  Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd || Connection(pid, descriptor) != server.connection) return;
  if (!poller_.Add(pidfd.get(), EPOLLIN)) return;
  std::string comm = ReadSmallFile(proc_root_ + "/" + std::to_string(pid) + "/comm");
  if (comm.ends_with('\n')) comm.pop_back();
  server.holders.push_back({std::move(pidfd), Task{.pid = pid, .comm = std::move(comm)}});
}

// Where sysfs shows the connections it still stands there; where it shows none, the mount has to do.
bool FuseServers::IsConnected(const Server& server) const {
  const std::string connections = sys_root_ + "/fs/fuse/connections";
  const std::string connection = connections + "/" + std::to_string(server.connection);
  if (::access(connection.c_str(), F_OK) == 0) return true;
  const Directory shown(::opendir(connections.c_str()));
  while (const dirent* entry = shown ? ::readdir(shown.get()) : nullptr)
    if (ParseNumber(entry->d_name)) return false;
  return true;
}

std::vector<Signal> FuseServers::Read(uint64_t now_boottime_ns) {
  std::vector<Signal> dead;
  const std::vector<int> ready = poller_.Ready();
  for (auto& [key, server] : servers_) {
    auto has_ended = [&](const Holder& holder) { return std::ranges::find(ready, holder.pidfd.get()) != ready.end(); };
    auto ended = std::ranges::find_if(server.holders, has_ended);
    if (ended == server.holders.end()) continue;
    Task task = std::move(ended->task);
    LookFor({&server});  // a child may have inherited the connection, or another process been given it
    if (!server.holders.empty() || denied_ || !IsConnected(server)) continue;
    ErrorReport report{.filesystem_type = "fuse", .kind = Kind::kShutdown, .code = ENOTCONN};
    dead.push_back(Signal{
        .filesystem = key,
        .what = EventSignal{
            .boottime_ns = now_boottime_ns, .task = std::move(task), .report = std::move(report), .sources = {}}});
  }
  return dead;
}

}  // namespace fsherald
