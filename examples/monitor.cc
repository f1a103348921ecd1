// SPDX-License-Identifier: MIT
// monitor_cc [PATH...]: the same in C++, printed as `fsherald watch` prints it.
#include <fsherald/fsherald.hpp>
#include <iostream>

int main(int argc, char** argv) try {
  fsherald::Monitor monitor;
  if (argc == 1) monitor.MarkAll();
  for (int i = 1; i < argc; ++i) monitor.MarkPath(argv[i]);
  std::cerr << "ready\n";
  for (;;) {
    monitor.Wait();
    while (const fsherald_notification* told = monitor.Next()) std::cout << fsherald::Format(*told) << std::flush;
  }
} catch (const std::exception& error) {
  std::cerr << "monitor_cc: " << error.what() << '\n';
  return 1;
}
