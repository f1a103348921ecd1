// SPDX-License-Identifier: MIT
#include "cli/daemon.h"

#include <fmt/format.h>
#include <malloc.h>
#include <poll.h>
#include <sys/resource.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/clock.h"
#include "cli/exit_code.h"
#include "cli/signals.h"
#include "cli/terminal.h"
#include "daemon/broker.h"
#include "daemon/fd_store.h"
#include "daemon/keeper.h"
#include "daemon/service.h"
#include "daemon/settings.h"
#include "notify/coverage_words.h"
#include "protocol/packet.h"

namespace fsherald {
namespace {

// Each producer and each subscriber is some descriptors.
void RaiseDescriptorLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string StatusLine(const Broker& broker) { return "serving " + broker.runtime_dir(); }

// One line of what is talked of in several.
std::string FirstLineOf(const std::string& words) { return words.substr(0, words.find('\n')); }

// Of a configuration that has been checked; a group can have gone since: then nobody is in it.
std::optional<gid_t> GroupOf(const std::string& name) {
  auto group = FindGroup(name);
  return group ? *group : std::nullopt;
}

void Reload(Settings& settings, Broker& broker, const ServiceManager& manager) {
  manager.Reloading();
  const Settings::Reloaded reloaded = settings.Reload();
  if (reloaded.changed) {
    const DaemonConfig& config = settings.config();
    const std::optional<gid_t> subscribers = GroupOf(config.subscribe_group);
    broker.SetGroups(GroupOf(config.report_group), subscribers);
    broker.SetLimits(config.store.max_bytes, config.store.max_age_s, subscribers);
  }
  Say(reloaded.words + '\n');
  manager.Ready(StatusLine(broker) + "; " + FirstLineOf(reloaded.words));
}

void SayWords(Broker& broker) {
  for (const std::string& words : broker.TakeWords()) Say("fsherald: " + words + '\n');
}

Status Loop(Broker& broker, int signals, Settings& settings, ServiceManager& manager, FdStore& fd_store) {
  std::array<pollfd, 2> fds{pollfd{.fd = broker.fd(), .events = POLLIN, .revents = 0},
                            pollfd{.fd = signals, .events = POLLIN, .revents = 0}};
  for (;;) {
    if (::poll(fds.data(), fds.size(), manager.PatienceMs(BoottimeNowNs())) < 0) {
      if (errno == EINTR) continue;
      return ErrnoError("poll", "");
    }
    if (fds[0].revents & POLLIN)
      if (Status pumped = broker.Pump(); !pumped) return pumped;
    fd_store.Keep(broker.TakeDescriptors());
    SayWords(broker);
    if (fds[1].revents & POLLIN) {
      const int signal = ReadSignal(signals);
      if (signal == SIGHUP) Reload(settings, broker, manager);
      else if (signal != 0) return {};
    }
    manager.Turned(BoottimeNowNs());
  }
}

// Faults of the configuration are several sentences, a line each.
int Fail(const Error& error) {
  std::istringstream sentences(error.ToString());
  for (std::string sentence; std::getline(sentences, sentence);) Complain(sentence);
  return error.code == EPERM || error.code == EACCES ? kExitNotPermitted : kExitFailure;
}

std::vector<ConfigOverride> Overrides(const DaemonOptions& options) {
  std::vector<ConfigOverride> overrides;
  if (!options.runtime_dir.empty())
    overrides.push_back({"daemon.runtime_directory", "--runtime-dir", std::filesystem::absolute(options.runtime_dir)});
  if (options.report_group) overrides.push_back({"access.report_group", "--report-group", *options.report_group});
  if (options.subscribe_group)
    overrides.push_back({"access.subscribe_group", "--subscribe-group", *options.subscribe_group});
  if (!options.store.empty())
    overrides.push_back({"store.directory", "--store", std::filesystem::absolute(options.store)});
  if (options.no_store) overrides.push_back({"store.enabled", "--no-store", false});
  if (!options.without.empty()) overrides.push_back({"sources.without", "--without", options.without});
  return overrides;
}

std::optional<Store::Options> StoreOf(const DaemonConfig& config) {
  if (!config.store.enabled) return std::nullopt;
  return Store::Options{.directory = config.store.directory,
                        .max_bytes = config.store.max_bytes,
                        .max_age_s = config.store.max_age_s,
                        .group = GroupOf(config.subscribe_group)};
}

Result<std::unique_ptr<Broker>> OpenBroker(const DaemonConfig& config, const DaemonOptions& options, KeptFds& kept) {
  return Broker::Open({.runtime_dir = protocol::RuntimeDir(config.runtime_directory.c_str()),
                       .without = config.without,
                       .xfs_health_monitor = options.xfs_health_monitor,
                       .report_group = GroupOf(config.report_group),
                       .subscribe_group = GroupOf(config.subscribe_group),
                       .mounts_of = options.mounts_of,
                       .host = ReadHost(),
                       .store = StoreOf(config),
                       .kept = &kept});
}

// As the program was started with them, without its own name.
std::vector<std::string> OwnArguments() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::vector<std::string> arguments;
  for (std::string argument; std::getline(file, argument, '\0');) arguments.push_back(argument);
  if (!arguments.empty()) arguments.erase(arguments.begin());
  return arguments;
}

// The same command without --keep, as a child.
int RunKept() {
  KeeperOptions keeper{.command = {"/proc/self/exe"}};
  std::error_code failed;
  const std::string program = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (!failed) keeper.command = {program};
  for (const std::string& argument : OwnArguments())
    if (argument != "--keep") keeper.command.push_back(argument);
  auto signals = OpenKeeperSignals();
  if (!signals) return Fail(signals.error());
  keeper.signals = signals->get();
  auto ended = RunKeeper(keeper);
  return ended ? *ended : Fail(ended.error());
}

}  // namespace

int RunDaemon(const DaemonOptions& options) {
  if (Status open = CheckStandardStreams(); !open) return Fail(open.error());
  if (options.keep) return RunKept();
  KeptFds kept = FdStore::TakeKept();
  auto signals = OpenEndingSignals();
  if (!signals) return Fail(signals.error());
  RaiseDescriptorLimit();
  ServiceManager manager = ServiceManager::FromEnvironment();
  auto settings = Settings::Read(options.config, Overrides(options));
  if (!settings) return Fail(settings.error());
  auto broker = OpenBroker(settings->config(), options, kept);
  if (!broker) return Fail(broker.error());
  Say(CoverageWords((*broker)->monitor()) +
      fmt::format("serving {0}/subscribe and {0}/report\nready\n", (*broker)->runtime_dir()));
  SayWords(**broker);
  FdStore fd_store;
  fd_store.Keep((*broker)->TakeDescriptors());
  manager.Ready(StatusLine(**broker));
  ::malloc_trim(0);  // loading the programs took more than is ever needed again

  Status ended = Loop(**broker, signals->get(), *settings, manager, fd_store);
  manager.Stopping();
  (*broker)->Finish();
  SayWords(**broker);
  std::string summary = fmt::format("told {} notification{}", (*broker)->told(), (*broker)->told() == 1 ? "" : "s");
  if (uint64_t refused = (*broker)->refused(); refused > 0)
    summary += fmt::format("; refused {} offers, rings and records", refused);
  Say(summary + '\n');
  return ended ? kExitOk : Fail(ended.error());
}

}  // namespace fsherald
