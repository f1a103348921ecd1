// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>

#include <charconv>
#include <cstdlib>
#include <map>

#include "cli/clear.h"
#include "cli/config.h"
#include "cli/daemon.h"
#include "cli/demo.h"
#include "cli/doctor.h"
#include "cli/exit_code.h"
#include "cli/explain.h"
#include "cli/history.h"
#include "cli/hotspots.h"
#include "cli/open_history.h"
#include "cli/show.h"
#include "cli/status.h"
#include "cli/watch.h"
#include "explain/fact.h"

namespace {

using namespace fsherald;

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

void AddHistoryFooter(CLI::App& command) {
  command.footer("Exit codes: 0 ok; 1 failure; 2 usage; 3 there is no history; 4 not permitted to read it.");
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

void AddConfigPaths(CLI::App& command, ConfigPaths& paths) {
  command.add_option("--config", paths.file, "This file instead of /etc/fsherald/fsherald.toml and its drop-ins")
      ->option_text("FILE");
  command.add_option("--config-dir", paths.dir, "Drop-ins, *.toml, from here instead of /etc/fsherald/fsherald.d")
      ->option_text("DIR");
}

SourceSet ToSet(const std::vector<SourceId>& sources) {
  SourceSet set;
  for (SourceId source : sources) set.Add(source);
  return set;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Tells of file system errors at the moment they happen: what, where in the code, which file, by whom.",
               "fsherald");
  app.set_version_flag("--version", "fsherald " FSHERALD_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 ok, 1 failure, 2 usage, 3 no daemon, or it has ended, or there is no history, 4 not permitted, 10 "
      "status has found something.");
  int exit_code = kExitOk;

  WatchOptions watch;
  std::vector<SourceId> without;
  CLI::App* watch_command = app.add_subcommand("watch", "Print notifications as they come, until Ctrl-C");
  CLI::Option* watch_path =
      watch_command->add_option("PATH", watch.paths, "Watch only the file systems that these paths lie on")
          ->option_text("...");
  watch_command->add_flag("--json", watch.json, "One JSON object a line (docs/json.md)");
  watch_command->add_option("--count", watch.count, "End after N notifications")
      ->check(CLI::PositiveNumber.description(""))
      ->option_text("N");
  watch_command->add_option("--timeout", watch.timeout_s, "End after S seconds (fractions allowed)")
      ->check(CLI::Validator(
          [](const std::string& text) {
            // CLI::Range lets "nan" pass.
            double seconds = std::strtod(text.c_str(), nullptr);
            return seconds >= 0 && seconds <= 1e9 ? std::string() : text + " is no number of seconds from 0 to 1e9";
          },
          ""))
      ->option_text("S");
  CLI::Option* watch_no_daemon =
      watch_command->add_flag("--no-daemon", watch.no_daemon, "Watch in this process, also where a daemon runs");
  AddRuntimeDir(*watch_command, watch.runtime_dir);
  CLI::Option* watch_without = AddWithout(*watch_command, without);
  CLI::Option* watch_health = AddHealthMonitor(*watch_command, watch.xfs_health_monitor);
  watch_command
      ->add_option("--since", watch.since,
                   "First what the daemon has told above number SEQ (0: all), of all file systems; then go on")
      ->check(CLI::Validator(
          [](const std::string& text) {
            uint64_t seq = 0;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seq);
            const bool is_number = error == std::errc() && end == text.data() + text.size();
            return is_number ? std::string() : text + " is no number of a notification (0, 1, 2, ...)";
          },
          ""))
      ->option_text("SEQ")
      ->excludes(watch_path)
      ->excludes(watch_no_daemon)
      ->excludes(watch_without)
      ->excludes(watch_health);
  AddColor(*watch_command, watch.color);
  watch_command->callback([&] {
    watch.without = ToSet(without);
    exit_code = RunWatch(watch);
  });

  DaemonOptions daemon;
  CLI::App* daemon_command = app.add_subcommand(
      "daemon",
      "The service: keeps and tells what the kernel and file systems in user space report; in the foreground");
  AddConfigPaths(*daemon_command, daemon.config);
  AddRuntimeDir(*daemon_command, daemon.runtime_dir);
  daemon_command
      ->add_option("--report-group", daemon.report_group, "Who may report besides root: a group (default: nobody)")
      ->option_text("GROUP");
  daemon_command
      ->add_option("--subscribe-group", daemon.subscribe_group,
                   "Who may subscribe besides root: a group (default: nobody)")
      ->option_text("GROUP");
  std::vector<SourceId> daemon_without;
  AddWithout(*daemon_command, daemon_without);
  AddHealthMonitor(*daemon_command, daemon.xfs_health_monitor);
  CLI::Option* store_option =
      daemon_command->add_option("--store", daemon.store, "Where the history is kept (default: /var/lib/fsherald)")
          ->option_text("DIR");
  daemon_command->add_flag("--no-store", daemon.no_store, "Keep no history: tell subscribers only")
      ->excludes(store_option)
      ->option_text(" ");  // not what it excludes
  daemon_command->add_flag("--keep", daemon.keep,
                           "Where no service manager does: start the daemon again when it dies, with what it had open");
  daemon_command
      ->add_option("--mounts-of", daemon.mounts_of,
                   "In a mount namespace of its own: tell the mounts of process PID (a service: of 1)")
      ->check(CLI::Range(1, 1 << 22).description(""))  // the kernel's largest
      ->option_text("PID");
  daemon_command->footer(
      "Options hold over the configuration (fsherald.toml(5)). SIGHUP makes it read its configuration again.\n"
      "Exit codes: 0 ended by SIGINT or SIGTERM; 1 failure, or a fault in the configuration; 2 usage; 4 not "
      "permitted.");
  daemon_command->callback([&] {
    for (const auto& [name, source] : kSources)
      if (ToSet(daemon_without).Has(source)) daemon.without.push_back(name);
    exit_code = RunDaemon(daemon);
  });

  ConfigPaths checked;
  ConfigPaths shown;
  CLI::App* config_command = app.add_subcommand("config", "The daemon's configuration, without a daemon");
  config_command->require_subcommand(1);
  CLI::App* check_command = config_command->add_subcommand(
      "check", "Whether it is valid: each fault with file, line, and what to write instead");
  check_command->add_option("FILE", checked.file, "This file instead of /etc/fsherald/fsherald.toml and its drop-ins")
      ->option_text(" ");
  check_command
      ->add_option("--config-dir", checked.dir, "Drop-ins, *.toml, from here instead of /etc/fsherald/fsherald.d")
      ->option_text("DIR");
  check_command->footer("Exit codes: 0 valid; 1 there is a fault; 2 usage.");
  check_command->callback([&] { exit_code = RunConfigCheck(checked); });
  CLI::App* show_command =
      config_command->add_subcommand("show", "What holds, as TOML, each key with where it came from");
  AddConfigPaths(*show_command, shown);
  show_command->footer("Exit codes: 0 ok; 1 there is a fault; 2 usage.");
  show_command->callback([&] { exit_code = RunConfigShow(shown); });

  DemoOptions demo;
  Color demo_color = Color::kAuto;
  CLI::App* demo_command =
      app.add_subcommand("demo", "Make a small damaged file system in memory, trip over it, show what is told");
  demo_command->add_option("FILESYSTEM", demo.filesystem, "ext4 (the default), xfs or btrfs")->option_text(" ");
  AddColor(*demo_command, demo_color);
  demo_command->callback([&] {
    demo.color = UseColor(demo_color, 1);
    exit_code = RunDemo(demo);
  });

  DoctorOptions doctor;
  CLI::App* doctor_command = app.add_subcommand(
      "doctor", "What this kernel and this process can see, for each mount, why not, and how to see more");
  doctor_command->add_option("PATH", doctor.paths, "Only the file systems that these paths lie on")->option_text("...");
  AddColor(*doctor_command, doctor.color);
  doctor_command->callback([&] { exit_code = RunDoctor(doctor); });

  StatusOptions status;
  CLI::App* status_command = app.add_subcommand("status",
                                                "The state of each file system: well, errors of the past, errors now, "
                                                "read-only, shut down, not known, not covered");
  status_command->add_option("PATH", status.paths, "Only the file systems that these paths lie on")->option_text("...");
  status_command->add_flag("--json", status.json, "One JSON object a line (docs/json.md)");
  status_command->add_flag("-v,--verbose", status.verbose,
                           "What is behind each state, what was not read, what to do next");
  AddStore(*status_command, status.store);
  AddColor(*status_command, status.color);
  status_command->footer(
      "Exit codes: 0 all are well; 10 one is not, or is not known to be; 1 failure; 2 usage; 4 not permitted. What is "
      "not "
      "covered (its type keeps nothing that would tell an error: FUSE, squashfs) changes none of them.");
  status_command->callback([&] {
    status.store = StoreDirectory(status.store);
    exit_code = RunStatus(status);
  });

  HistoryOptions history;
  bool history_json = false;
  bool history_csv = false;
  bool history_blocks = false;
  CLI::App* history_command =
      app.add_subcommand("history", "What the daemon has kept: all notifications, of this boot and of earlier ones");
  AddTimes(*history_command, history.since, history.until);
  history_command
      ->add_option("--filesystem", history.filesystem, "Only of this one: a device, a uuid, a type or a mount point")
      ->option_text("NAME");
  history_command->add_option("--kind", history.kind, "Only of this kind: " + KindNames())->option_text("KIND");
  history_command->add_option("--function", history.function, "Only what this kernel function reported")
      ->option_text("NAME");
  history_command->add_option("-n", history.count, "Only the newest N")->option_text("N");
  CLI::Option* reverse = history_command->add_flag("-r,--reverse", history.newest_first, "The newest first");
  CLI::Option* follow = history_command->add_flag("-f,--follow", history.follow,
                                                  "Then what comes, until Ctrl-C (begins with the last 10)");
  CLI::Option* blocks = history_command->add_flag("-v,--verbose", history_blocks, "All that is known of each");
  CLI::Option* json = history_command->add_flag("--json", history_json, "One JSON object a line (docs/json.md)");
  CLI::Option* csv = history_command->add_flag("--csv", history_csv, "Comma-separated values (docs/history.md)");
  follow->excludes(reverse);
  csv->excludes(json)->excludes(blocks);
  json->excludes(blocks);
  for (CLI::Option* option : {reverse, follow, blocks, json, csv}) option->option_text(" ");  // not what it excludes
  AddHistoryFooter(*history_command);
  AddStore(*history_command, history.store);
  AddColor(*history_command, history.color);
  history_command->callback([&] {
    if (history_json) history.form = HistoryOptions::Form::kJson;
    if (history_csv) history.form = HistoryOptions::Form::kCsv;
    if (history_blocks) history.form = HistoryOptions::Form::kBlocks;
    history.store = StoreDirectory(history.store);
    exit_code = RunHistory(history);
  });

  ShowOptions show;
  CLI::App* record_command =
      app.add_subcommand("show", "Everything that is known of one notification, and what to do next");
  record_command->add_option("ID", show.id, "Its number, as history shows it")->required()->option_text(" ");
  record_command->add_flag("--json", show.json, "As a JSON object (docs/json.md)");
  AddHistoryFooter(*record_command);
  AddStore(*record_command, show.store);
  AddColor(*record_command, show.color);
  record_command->callback([&] {
    show.store = StoreDirectory(show.store);
    exit_code = RunShow(show);
  });

  HotspotsOptions hotspots;
  CLI::App* hotspots_command =
      app.add_subcommand("hotspots", "Where most errors are: which function, file system, device, inode or kernel");
  hotspots_command
      ->add_option("--by", hotspots.by,
                   "Counted by function (and line; the default), filesystem, device, inode, kernel")
      ->transform(CLI::CheckedTransformer(kBys).description(""))
      ->option_text("WHAT");
  AddTimes(*hotspots_command, hotspots.since, hotspots.until);
  hotspots_command->add_option("-n", hotspots.count, "The N greatest (10)")
      ->check(CLI::Range(1, 1000).description(""))
      ->option_text("N");
  hotspots_command->add_flag("--json", hotspots.json, "One JSON object a line (docs/json.md)");
  AddHistoryFooter(*hotspots_command);
  AddStore(*hotspots_command, hotspots.store);
  AddColor(*hotspots_command, hotspots.color);
  hotspots_command->callback([&] {
    hotspots.store = StoreDirectory(hotspots.store);
    exit_code = RunHotspots(hotspots);
  });

  ExplainOptions explain;
  CLI::App* explain_command = app.add_subcommand(
      "explain", "What an errno, a kind, a function or a notification means; what to do, and what not to do");
  CLI::Option* what = explain_command->add_option(
      "WHAT", explain.what,
      "EUCLEAN, 117 or -117; writeback; ext4_lookup; a number that is no errno: a notification's");
  what->option_text(" ");
  explain_command->add_option("--id", explain.id, "A notification, also where its number is an errno's")
      ->excludes(what)
      ->option_text("ID");
  AddHistoryFooter(*explain_command);
  AddStore(*explain_command, explain.store);
  AddColor(*explain_command, explain.color);
  explain_command->callback([&] {
    if (explain.what.empty() && !explain.id) throw CLI::RequiredError("explain: WHAT or --id ID");
    explain.store = StoreDirectory(explain.store);
    exit_code = RunExplain(explain);
  });

  ClearOptions clear;
  CLI::App* clear_command = app.add_subcommand(
      "clear", "Tell the daemon that a file system is well, and why: its state is left, and that is told");
  clear_command
      ->add_option("FILESYSTEM", clear.filesystem, "A path on it, its device, or its uuid; also of one that is gone")
      ->required()
      ->option_text(" ");
  clear_command->add_option("--reason", clear.reason, "Told with it: why it is well, up to 255 bytes")
      ->required()
      ->check(CLI::Validator(
          [](const std::string& text) {
            return text.empty() || text.size() > kMaxReasonBytes ? "a reason has from 1 to 255 bytes" : std::string();
          },
          ""))
      ->option_text("TEXT");
  AddRuntimeDir(*clear_command, clear.runtime_dir);
  clear_command->footer(
      "Exit codes: 0 it is well; 1 failure, or the daemon knows no such file system; 2 usage; 3 no daemon; 4 not "
      "permitted: only root may.");
  clear_command->callback([&] { exit_code = RunClear(clear); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  return exit_code;
}
