// SPDX-License-Identifier: MIT
#include "cli/daemon.h"

#include <fmt/format.h>
#include <grp.h>
#include <poll.h>
#include <sys/resource.h>

#include <array>
#include <charconv>

#include "cli/exit_code.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "daemon/broker.h"
#include "notify/coverage_words.h"
#include "protocol/packet.h"

namespace fsherald {
namespace {

Result<std::optional<gid_t>> FindGroup(const std::string& name) {
  if (name.empty()) return std::optional<gid_t>();
  gid_t number = 0;
  const char* end = name.data() + name.size();
  if (auto [rest, error] = std::from_chars(name.data(), end, number); error == std::errc() && rest == end)
    return std::optional(number);
  const group* entry = ::getgrnam(name.c_str());
  if (entry == nullptr) return Error{"there is no group " + name + " (make it: groupadd --system " + name + ")", 0};
  return std::optional(entry->gr_gid);
}

// Each producer and each subscriber is some descriptors.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

Status Loop(Broker& broker, int signals) {
  std::array<pollfd, 2> fds{pollfd{.fd = broker.fd(), .events = POLLIN, .revents = 0},
                            pollfd{.fd = signals, .events = POLLIN, .revents = 0}};
  for (;;) {
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return ErrnoError("poll", "");
    if (fds[0].revents & POLLIN)
      if (Status pumped = broker.Pump(); !pumped) return pumped;
    if (fds[1].revents & POLLIN) return {};
  }
}

int Fail(const Error& error) {
  Complain(error.ToString());
  return error.code == EPERM || error.code == EACCES ? kExitNotPermitted : kExitFailure;
}

Result<Broker::Options> BrokerOptions(const DaemonOptions& options) {
  auto report_group = FindGroup(options.report_group);
  if (!report_group) return report_group.error();
  auto subscribe_group = FindGroup(options.subscribe_group);
  if (!subscribe_group) return subscribe_group.error();
  return Broker::Options{.runtime_dir = protocol::RuntimeDir(options.runtime_dir.c_str()),
                         .without = options.without,
                         .xfs_health_monitor = options.xfs_health_monitor,
                         .report_group = *report_group,
                         .subscribe_group = *subscribe_group,
                         .host = ReadHost()};
}

}  // namespace

int RunDaemon(const DaemonOptions& options) {
  if (Status open = CheckStandardStreams(); !open) return Fail(open.error());
  auto signals = OpenEndingSignals();
  if (!signals) return Fail(signals.error());
  RaiseDescriptorLimit();
  auto broker_options = BrokerOptions(options);
  if (!broker_options) return Fail(broker_options.error());
  auto broker = Broker::Open(std::move(*broker_options));
  if (!broker) return Fail(broker.error());
  Say(CoverageWords((*broker)->monitor()) +
      fmt::format("serving {0}/subscribe and {0}/report\nready\n", (*broker)->runtime_dir()));

  Status ended = Loop(**broker, signals->get());
  (*broker)->Finish();
  std::string summary = fmt::format("told {} notification{}", (*broker)->told(), (*broker)->told() == 1 ? "" : "s");
  if (uint64_t refused = (*broker)->refused(); refused > 0)
    summary += fmt::format("; refused {} invalid records", refused);
  Say(summary + '\n');
  return ended ? kExitOk : Fail(ended.error());
}

}  // namespace fsherald
