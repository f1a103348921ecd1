/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fsherald/fsherald.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  fsherald_reporter *reporter = NULL;
  struct fsherald_reporter_options options;
  struct fsherald_reporter_state state;
  memset(&options, 0, sizeof options);
  memset(&state, 0, sizeof state);
  options.size = sizeof options;
  options.type = "consumer";
  options.name = "of the package";
  state.size = sizeof state;
  if (fsherald_reporter_open(&reporter, &options) != 0) return 1;
  if (FSHERALD_REPORT(reporter, .error = EIO, .kind = FSHERALD_KIND_DATA_READ) != 0) return 2;
  if (FSHERALD_REPORT(reporter, .error = EIO, .kind = FSHERALD_KIND_METADATA, .path = "a/b", .inode = 12,
                      .flags = FSHERALD_REPORT_HAS_INODE) != 0)
    return 3;
  if (fsherald_reporter_get_state(reporter, &state) != 0 || state.attached != 0 || state.counted != 0) return 4;
  printf("fsherald %s: %s errors wait\n", fsherald_version(), state.waiting_bytes > 0 ? "2" : "no");
  fsherald_reporter_close(reporter);
  return 0;
}
