// SPDX-License-Identifier: MIT
// The command line: with which arguments each subcommand is called. What it does is in the file of its name.
#pragma once

namespace CLI {
class App;
}

namespace fsherald {

// All of them, in the order in which --help shows them. When the line is parsed, the one that it names runs, and its exit code is
// in `exit_code`, which must live until then.
void AddCommands(CLI::App& app, int& exit_code);

}  // namespace fsherald
