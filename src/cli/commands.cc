// SPDX-License-Identifier: MIT
#include "cli/commands.h"

#include <CLI/CLI.hpp>

#include <charconv>
#include <cstdlib>
#include <map>
#include <memory>

#include "cli/clear.h"
#include "cli/config.h"
#include "cli/daemon.h"
#include "cli/demo.h"
#include "cli/doctor.h"
#include "cli/explain.h"
#include "cli/history.h"
#include "cli/hotspots.h"
#include "cli/open_history.h"
#include "cli/show.h"
#include "cli/status.h"
#include "cli/watch.h"
#include "explain/fact.h"

namespace fsherald {
namespace {

const std::map<std::string, Color> kColors{
    {"auto", Color::kAuto}, {"always", Color::kAlways}, {"never", Color::kNever}};
const std::map<std::string, SourceId> kSources{{"fanotify", SourceId::kFanotify},
                                               {"trace", SourceId::kTrace},
                                               {"kmsg", SourceId::kKmsg},
                                               {"counters", SourceId::kCounters}};

void AddColor(CLI::App& command, Color& color) {
  command.add_option("--color", color, "Colour: auto (a terminal, and NO_COLOR is not set), always, never")
      ->transform(CLI::CheckedTransformer(kColors, CLI::ignore_case).description(""))
      ->option_text("WHEN");
}

CLI::Option* AddWithout(CLI::App& command, std::vector<SourceId>& without) {
  return command
      .add_option("--without", without, "Do not use a source: fanotify, trace, kmsg, counters (may be repeated)")
      ->transform(CLI::CheckedTransformer(kSources).description(""))
      ->delimiter(',')
      ->allow_extra_args(false)
      ->option_text("SOURCE");
}

CLI::Option* AddHealthMonitor(CLI::App& command, bool& xfs_health_monitor) {
  return command.add_flag(
      "--xfs-health-monitor", xfs_health_monitor,
      "Use XFS's own health monitor too (Linux 7.0); a file system has but one, which a repair daemon may want");
}

const std::map<std::string, History::By> kBys{{"function", History::By::kLocation},
                                              {"filesystem", History::By::kFilesystem},
                                              {"device", History::By::kDevice},
                                              {"inode", History::By::kInode},
                                              {"kernel", History::By::kKernel}};

void AddStore(CLI::App& command, std::string& store) {
  command.add_option("--store", store, "Where the history is (what the daemon's configuration says)")
      ->option_text("DIR");
}

// What all commands have that read the history.
template <typename Options>
void AddHistoryReading(CLI::App& command, Options& options) {
  command.footer("Exit codes: 0 ok; 1 failure; 2 usage; 3 there is no history; 4 not permitted to read it.");
  AddStore(command, options.store);
  AddColor(command, options.color);
}

void AddTimes(CLI::App& command, std::string& since, std::string& until) {
  command
      .add_option("--since", since, "From this time on: 2026-11-20, 2026-11-20T10:31:07, 2h, 3d, yesterday, @SECONDS")
      ->option_text("TIME");
  command.add_option("--until", until, "Up to this time, in the same forms")->option_text("TIME");
}

void AddRuntimeDir(CLI::App& command, std::string& runtime_dir) {
  command
      .add_option("--runtime-dir", runtime_dir,
                  "Where the daemon's sockets are ($FSHERALD_RUNTIME_DIR, else /run/fsherald)")
      ->option_text("DIR");
}

void AddConfigDir(CLI::App& command, ConfigPaths& paths) {
  command.add_option("--config-dir", paths.dir, "Drop-ins, *.toml, from here instead of /etc/fsherald/fsherald.d")
      ->option_text("DIR");
}

void AddConfigPaths(CLI::App& command, ConfigPaths& paths) {
  command.add_option("--config", paths.file, "This file instead of /etc/fsherald/fsherald.toml and its drop-ins")
      ->option_text("FILE");
  AddConfigDir(command, paths);
}

SourceSet ToSet(const std::vector<SourceId>& sources) {
  SourceSet set;
  for (SourceId source : sources) set.Add(source);
  return set;
}

// What is wrong with a value, a sentence; empty: nothing.
std::string FaultOfSeconds(const std::string& text) {
  // CLI::Range lets "nan" pass.
  const double seconds = std::strtod(text.c_str(), nullptr);
  return seconds >= 0 && seconds <= 1e9 ? std::string() : text + " is no number of seconds from 0 to 1e9";
}

std::string FaultOfSeq(const std::string& text) {
  uint64_t seq = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seq);
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  return is_number ? std::string() : text + " is no number of a notification (0, 1, 2, ...)";
}

std::string FaultOfReason(const std::string& text) {
  return text.empty() || text.size() > kMaxReasonBytes ? "a reason has from 1 to 255 bytes" : std::string();
}

void AddWatch(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<WatchOptions>();
  const auto without = std::make_shared<std::vector<SourceId>>();
  CLI::App& command = *app.add_subcommand("watch", "Print notifications as they come, until Ctrl-C");
  CLI::Option* path = command.add_option("PATH", options->paths, "Watch only the file systems that these paths lie on")
                          ->option_text("...");
  command.add_flag("--json", options->json, "One JSON object a line (docs/json.md)");
  command.add_option("--count", options->count, "End after N notifications")
      ->check(CLI::PositiveNumber.description(""))
      ->option_text("N");
  command.add_option("--timeout", options->timeout_s, "End after S seconds (fractions allowed)")
      ->check(CLI::Validator(FaultOfSeconds, ""))
      ->option_text("S");
  CLI::Option* no_daemon =
      command.add_flag("--no-daemon", options->no_daemon, "Watch in this process, also where a daemon runs");
  AddRuntimeDir(command, options->runtime_dir);
  CLI::Option* not_with = AddWithout(command, *without);
  CLI::Option* health_monitor = AddHealthMonitor(command, options->xfs_health_monitor);
  command
      .add_option("--since", options->since,
                  "First what the daemon has told above number SEQ (0: all), of all file systems; then go on")
      ->check(CLI::Validator(FaultOfSeq, ""))
      ->option_text("SEQ")
      ->excludes(path)
      ->excludes(no_daemon)
      ->excludes(not_with)
      ->excludes(health_monitor);
  AddColor(command, options->color);
  command.callback([options, without, &exit_code] {
    options->without = ToSet(*without);
    exit_code = RunWatch(*options);
  });
}

void AddDaemon(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<DaemonOptions>();
  CLI::App& command = *app.add_subcommand(
      "daemon",
      "The service: keeps and tells what the kernel and file systems in user space report; in the foreground");
  AddConfigPaths(command, options->config);
  AddRuntimeDir(command, options->runtime_dir);
  command.add_option("--report-group", options->report_group, "Who may report besides root: a group (default: nobody)")
      ->option_text("GROUP");
  command
      .add_option("--subscribe-group", options->subscribe_group,
                  "Who may subscribe besides root: a group (default: nobody)")
      ->option_text("GROUP");
  const auto without = std::make_shared<std::vector<SourceId>>();
  AddWithout(command, *without);
  AddHealthMonitor(command, options->xfs_health_monitor);
  CLI::Option* store_option =
      command.add_option("--store", options->store, "Where the history is kept (default: /var/lib/fsherald)")
          ->option_text("DIR");
  command.add_flag("--no-store", options->no_store, "Keep no history: tell subscribers only")
      ->excludes(store_option)
      ->option_text(" ");  // not what it excludes
  command.add_flag("--keep", options->keep,
                   "Where no service manager does: start the daemon again when it dies, with what it had open");
  command
      .add_option("--mounts-of", options->mounts_of,
                  "In a mount namespace of its own: tell the mounts of process PID (a service: of 1)")
      ->check(CLI::Range(1, 1 << 22).description(""))  // the kernel's largest
      ->option_text("PID");
  command.footer(
      "Options hold over the configuration (fsherald.toml(5)). SIGHUP makes it read its configuration again.\n"
      "Exit codes: 0 ended by SIGINT or SIGTERM; 1 failure, or a fault in the configuration; 2 usage; 4 not "
      "permitted.");
  command.callback([options, without, &exit_code] {
    for (const auto& [name, source] : kSources)
      if (ToSet(*without).Has(source)) options->without.push_back(name);
    exit_code = RunDaemon(*options);
  });
}

void AddConfigCheck(CLI::App& config, int& exit_code) {
  const auto paths = std::make_shared<ConfigPaths>();
  CLI::App& command =
      *config.add_subcommand("check", "Whether it is valid: each fault with file, line, and what to write instead");
  command.add_option("FILE", paths->file, "This file instead of /etc/fsherald/fsherald.toml and its drop-ins")
      ->option_text(" ");
  AddConfigDir(command, *paths);
  command.footer("Exit codes: 0 valid; 1 there is a fault; 2 usage.");
  command.callback([paths, &exit_code] { exit_code = RunConfigCheck(*paths); });
}

void AddConfigShow(CLI::App& config, int& exit_code) {
  const auto paths = std::make_shared<ConfigPaths>();
  CLI::App& command = *config.add_subcommand("show", "What holds, as TOML, each key with where it came from");
  AddConfigPaths(command, *paths);
  command.footer("Exit codes: 0 ok; 1 there is a fault; 2 usage.");
  command.callback([paths, &exit_code] { exit_code = RunConfigShow(*paths); });
}

void AddConfig(CLI::App& app, int& exit_code) {
  CLI::App& command = *app.add_subcommand("config", "The daemon's configuration, without a daemon");
  command.require_subcommand(1);
  AddConfigCheck(command, exit_code);
  AddConfigShow(command, exit_code);
}

void AddDemo(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<DemoOptions>();
  const auto color = std::make_shared<Color>(Color::kAuto);
  CLI::App& command =
      *app.add_subcommand("demo", "Make a small damaged file system in memory, trip over it, show what is told");
  command.add_option("FILESYSTEM", options->filesystem, "ext4 (the default), xfs or btrfs")->option_text(" ");
  AddColor(command, *color);
  command.callback([options, color, &exit_code] {
    options->color = UseColor(*color, 1);
    exit_code = RunDemo(*options);
  });
}

void AddDoctor(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<DoctorOptions>();
  CLI::App& command = *app.add_subcommand(
      "doctor", "What this kernel and this process can see, for each mount, why not, and how to see more");
  command.add_option("PATH", options->paths, "Only the file systems that these paths lie on")->option_text("...");
  AddColor(command, options->color);
  command.callback([options, &exit_code] { exit_code = RunDoctor(*options); });
}

void AddStatus(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<StatusOptions>();
  CLI::App& command = *app.add_subcommand("status",
                                          "The state of each file system: well, errors of the past, errors now, "
                                          "read-only, shut down, not known, not covered; and what is gone");
  command.add_option("PATH", options->paths, "Only the file systems that these paths lie on")->option_text("...");
  command.add_flag("--json", options->json, "One JSON object a line (docs/json.md)");
  command.add_flag("-v,--verbose", options->verbose, "What is behind each state, what was not read, what to do next");
  AddStore(command, options->store);
  AddColor(command, options->color);
  command.footer(
      "Exit codes: 0 all are well; 10 one is not, or is not known to be; 1 failure; 2 usage; 4 not permitted. What is "
      "not covered (its type keeps nothing that would tell an error: FUSE, squashfs) changes none of them.");
  command.callback([options, &exit_code] {
    options->store = StoreDirectory(options->store);
    exit_code = RunStatus(*options);
  });
}

void AddHistory(CLI::App& app, int& exit_code) {
  struct Forms {
    bool json = false;
    bool csv = false;
    bool blocks = false;
  };
  const auto options = std::make_shared<HistoryOptions>();
  const auto forms = std::make_shared<Forms>();
  CLI::App& command =
      *app.add_subcommand("history", "What the daemon has kept: all notifications, of this boot and of earlier ones");
  AddTimes(command, options->since, options->until);
  command
      .add_option("--filesystem", options->filesystem, "Only of this one: a device, a uuid, a type or a mount point")
      ->option_text("NAME");
  command.add_option("--kind", options->kind, "Only of this kind: " + KindNames())->option_text("KIND");
  command.add_option("--function", options->function, "Only what this kernel function reported")->option_text("NAME");
  command.add_option("-n", options->count, "Only the newest N")->option_text("N");
  CLI::Option* reverse = command.add_flag("-r,--reverse", options->newest_first, "The newest first");
  CLI::Option* follow =
      command.add_flag("-f,--follow", options->follow, "Then what comes, until Ctrl-C (begins with the last 10)");
  CLI::Option* blocks = command.add_flag("-v,--verbose", forms->blocks, "All that is known of each");
  CLI::Option* json = command.add_flag("--json", forms->json, "One JSON object a line (docs/json.md)");
  CLI::Option* csv = command.add_flag("--csv", forms->csv, "Comma-separated values (docs/history.md)");
  follow->excludes(reverse);
  csv->excludes(json)->excludes(blocks);
  json->excludes(blocks);
  for (CLI::Option* option : {reverse, follow, blocks, json, csv}) option->option_text(" ");  // not what it excludes
  AddHistoryReading(command, *options);
  command.callback([options, forms, &exit_code] {
    if (forms->json) options->form = HistoryOptions::Form::kJson;
    if (forms->csv) options->form = HistoryOptions::Form::kCsv;
    if (forms->blocks) options->form = HistoryOptions::Form::kBlocks;
    options->store = StoreDirectory(options->store);
    exit_code = RunHistory(*options);
  });
}

void AddShow(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<ShowOptions>();
  CLI::App& command = *app.add_subcommand("show", "Everything that is known of one notification, and what to do next");
  command.add_option("ID", options->id, "Its number, as history shows it")->required()->option_text(" ");
  command.add_flag("--json", options->json, "As a JSON object (docs/json.md)");
  AddHistoryReading(command, *options);
  command.callback([options, &exit_code] {
    options->store = StoreDirectory(options->store);
    exit_code = RunShow(*options);
  });
}

void AddHotspots(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<HotspotsOptions>();
  CLI::App& command =
      *app.add_subcommand("hotspots", "Where most errors are: which function, file system, device, inode or kernel");
  command
      .add_option("--by", options->by, "Counted by function (and line; the default), filesystem, device, inode, kernel")
      ->transform(CLI::CheckedTransformer(kBys).description(""))
      ->option_text("WHAT");
  AddTimes(command, options->since, options->until);
  command.add_option("-n", options->count, "The N greatest (10)")
      ->check(CLI::Range(1, 1000).description(""))
      ->option_text("N");
  command.add_flag("--json", options->json, "One JSON object a line (docs/json.md)");
  AddHistoryReading(command, *options);
  command.callback([options, &exit_code] {
    options->store = StoreDirectory(options->store);
    exit_code = RunHotspots(*options);
  });
}

void AddExplain(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<ExplainOptions>();
  CLI::App& command = *app.add_subcommand(
      "explain", "What an errno, a kind, a function or a notification means; what to do, and what not to do");
  CLI::Option* what =
      command.add_option("WHAT", options->what,
                         "EUCLEAN, 117 or -117; writeback; ext4_lookup; a number that is no errno: a notification's");
  what->option_text(" ");
  command.add_option("--id", options->id, "A notification, also where its number is an errno's")
      ->excludes(what)
      ->option_text("ID");
  AddHistoryReading(command, *options);
  command.callback([options, &exit_code] {
    if (options->what.empty() && !options->id) throw CLI::RequiredError("explain: WHAT or --id ID");
    options->store = StoreDirectory(options->store);
    exit_code = RunExplain(*options);
  });
}

void AddClear(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<ClearOptions>();
  CLI::App& command = *app.add_subcommand(
      "clear", "Tell the daemon that a file system is well, and why: its state is left, and that is told");
  command
      .add_option("FILESYSTEM", options->filesystem, "A path on it, its device, or its uuid; also of one that is gone")
      ->required()
      ->option_text(" ");
  command.add_option("--reason", options->reason, "Told with it: why it is well, up to 255 bytes")
      ->required()
      ->check(CLI::Validator(FaultOfReason, ""))
      ->option_text("TEXT (required)");
  AddRuntimeDir(command, options->runtime_dir);
  command.footer(
      "Exit codes: 0 it is well; 1 failure, or the daemon knows no such file system; 2 usage; 3 no daemon; 4 not "
      "permitted: only root may.");
  command.callback([options, &exit_code] { exit_code = RunClear(*options); });
}

}  // namespace

void AddCommands(CLI::App& app, int& exit_code) {
  for (const auto add : {AddWatch, AddDaemon, AddConfig, AddDemo, AddDoctor, AddStatus, AddHistory, AddShow,
                         AddHotspots, AddExplain, AddClear})
    add(app, exit_code);
}

}  // namespace fsherald
