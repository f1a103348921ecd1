# SPDX-License-Identifier: MIT
# Each is the library of its field as Debian 12 packages it; `run` names the packages.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
pkg_check_modules(mount REQUIRED IMPORTED_TARGET mount)
pkg_check_modules(blkid REQUIRED IMPORTED_TARGET blkid)
pkg_check_modules(ext2fs REQUIRED IMPORTED_TARGET ext2fs com_err)
pkg_check_modules(bpf REQUIRED IMPORTED_TARGET libbpf)
pkg_check_modules(sqlite3 REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(tomlplusplus REQUIRED IMPORTED_TARGET tomlplusplus)
pkg_check_modules(systemd REQUIRED IMPORTED_TARGET libsystemd)
