/* SPDX-License-Identifier: MIT */
/* Runs a program as the service manager runs fsherald.service, where there may be no service manager:
 *
 *   confine UNIT SYSCALLS GROUP[,SUPPLEMENTARY_GROUP] WRITABLE_DIRECTORIES PROGRAM [ARGUMENT...]
 *
 * The capabilities are those of UNIT's CapabilityBoundingSet=, and no new privileges; the network, IPC and UTS namespaces are empty
 * ones; the mount namespace follows ours (which has to be shared) and is read-only but for the directories, separated by colons, as
 * by ProtectSystem=strict, ProtectHome=read-only, ProtectKernelTunables= and ProtectKernelModules=. SYSCALLS names the allowed
 * system calls, one a line; of them socket(2) is for AF_UNIX only, and no memory is writable and executable. Any other call kills
 * the program (the unit lets it fail): a list that lacks one is to be noticed.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void fail(const char* what) {
  fprintf(stderr, "confine: %s: %s\n", what, strerror(errno));
  exit(100);
}

static const struct {
  const char* name;
  int number;
} kCapabilities[] = {{"CAP_SYS_ADMIN", CAP_SYS_ADMIN},
                     {"CAP_DAC_READ_SEARCH", CAP_DAC_READ_SEARCH},
                     {"CAP_BPF", 39},
                     {"CAP_PERFMON", 38},
                     {"CAP_SYSLOG", CAP_SYSLOG}};
enum { kKnown = sizeof kCapabilities / sizeof kCapabilities[0] };

/* The bits of the unit's one line; a capability that is not known here is more than the daemon is to have. */
static unsigned long long capabilities_of(const char* unit) {
  static const char kKey[] = "CapabilityBoundingSet=";
  char line[4096];
  unsigned long long bits = 0;
  FILE* file = fopen(unit, "re");
  if (file == NULL) fail(unit);
  while (fgets(line, sizeof line, file) != NULL) {
    if (strncmp(line, kKey, sizeof kKey - 1) != 0) continue;
    for (char* name = strtok(line + sizeof kKey - 1, " \n"); name != NULL; name = strtok(NULL, " \n")) {
      int i = 0;
      while (i < kKnown && strcmp(name, kCapabilities[i].name) != 0) ++i;
      errno = EINVAL;
      if (i == kKnown) fail(name);
      bits |= 1ULL << kCapabilities[i].number;
    }
  }
  fclose(file);
  return bits;
}

/* What is executed next has these, and can get no others. */
static void limit_capabilities(unsigned long long keep) {
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability) >= 0; ++capability)
    if ((keep >> capability & 1) == 0 && prctl(PR_CAPBSET_DROP, capability) != 0) fail("PR_CAPBSET_DROP");
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("PR_SET_NO_NEW_PRIVS");
}

static void set_read_only(const char* path, int read_only) {
  struct mount_attr attributes = {0};
  if (read_only) attributes.attr_set = MOUNT_ATTR_RDONLY;
  else attributes.attr_clr = MOUNT_ATTR_RDONLY;
  if (syscall(SYS_mount_setattr, AT_FDCWD, path, AT_RECURSIVE, &attributes, sizeof attributes) != 0) fail(path);
}

static void bind_over(const char* from, const char* to) {
  if (mount(from, to, NULL, MS_BIND | MS_REC, NULL) != 0) fail(to);
}

static void enter_namespaces(char* writable) {
  if (unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) != 0) fail("unshare");
  if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0) fail("make all mounts slaves");
  bind_over("/home", "/home");
  bind_over("/root", "/root");
  set_read_only("/", 1);
  for (char* path = strtok(writable, ":"); path != NULL; path = strtok(NULL, ":")) {
    bind_over(path, path);
    set_read_only(path, 0);
  }
  bind_over("/dev/null", "/proc/kallsyms");
  if (access("/lib/modules", F_OK) == 0 && mount("none", "/lib/modules", "tmpfs", MS_RDONLY, "mode=000") != 0)
    fail("/lib/modules");
  /* As the service manager leaves it, so that what the program mounts itself would reach no other. */
  if (mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL) != 0) fail("make all mounts shared");
}

static void allow(scmp_filter_ctx filter, int call, const struct scmp_arg_cmp* argument) {
  const int result = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, argument != NULL, argument);
  errno = -result;
  if (result != 0) fail("seccomp_rule_add");
}

/* Where one of both bits is not set. */
static void allow_without(scmp_filter_ctx filter, int call, int bit) {
  const struct scmp_arg_cmp argument = SCMP_A2(SCMP_CMP_MASKED_EQ, (scmp_datum_t)bit, 0);
  allow(filter, call, &argument);
}

static void allow_named(scmp_filter_ctx filter, const char* name) {
  const int call = seccomp_syscall_resolve_name(name);
  if (call < 0) return; /* of another architecture */
  if (call == SCMP_SYS(socket)) {
    const struct scmp_arg_cmp argument = SCMP_A0(SCMP_CMP_EQ, AF_UNIX, 0);
    allow(filter, call, &argument);
  } else if (call == SCMP_SYS(mmap)) {
    allow_without(filter, call, PROT_WRITE);
    allow_without(filter, call, PROT_EXEC);
  } else if (call == SCMP_SYS(mprotect)) {
    allow_without(filter, call, PROT_EXEC);
  } else {
    allow(filter, call, NULL);
  }
}

static void limit_system_calls(const char* list) {
  char name[128];
  FILE* file = fopen(list, "re");
  if (file == NULL) fail(list);
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
  if (filter == NULL) fail("seccomp_init");
  while (fgets(name, sizeof name, file) != NULL) {
    name[strcspn(name, "\n")] = '\0';
    allow_named(filter, name);
  }
  fclose(file);
  const int result = seccomp_load(filter);
  errno = -result;
  if (result != 0) fail("seccomp_load");
  seccomp_release(filter);
}

int main(int argc, char** argv) {
  if (argc < 6) {
    fprintf(stderr,
            "usage: confine UNIT SYSCALLS GROUP[,SUPPLEMENTARY_GROUP] WRITABLE_DIRECTORIES PROGRAM [ARGUMENT...]\n");
    return 2;
  }
  char* rest = NULL;
  const gid_t group = (gid_t)strtoul(argv[3], &rest, 10);
  const gid_t supplementary = *rest == ',' ? (gid_t)strtoul(rest + 1, NULL, 10) : 0;
  const unsigned long long keep = capabilities_of(argv[1]);
  enter_namespaces(argv[4]);
  if (setgroups(supplementary != 0, &supplementary) != 0 || setgid(group) != 0) fail("setgid");
  limit_capabilities(keep);
  limit_system_calls(argv[2]);
  execv(argv[5], argv + 5);
  fail(argv[5]);
}
