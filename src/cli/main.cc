// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>

#include "cli/commands.h"
#include "cli/exit_code.h"

int main(int argc, char** argv) {
  CLI::App app("Tells of file system errors at the moment they happen: what, where in the code, which file, by whom.",
               "fsherald");
  app.set_version_flag("--version", "fsherald " FSHERALD_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 ok, 1 failure, 2 usage, 3 no daemon, or it has ended, or there is no history, 4 not permitted, 10 "
      "status has found something.");
  int exit_code = fsherald::kExitOk;
  fsherald::AddCommands(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? fsherald::kExitOk : fsherald::kExitUsage;
  }
  return exit_code;
}
