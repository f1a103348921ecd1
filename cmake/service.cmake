# SPDX-License-Identifier: MIT
# What makes the daemon a service: the unit, its group, its directories, an example of its configuration.
set(unit_dir lib/systemd/system)
file(READ packaging/fsherald.service unit)
string(REPLACE "/usr/sbin/fsherald" "${CMAKE_INSTALL_FULL_SBINDIR}/fsherald" unit "${unit}")
file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/fsherald.service CONTENT "${unit}" @ONLY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS packaging/fsherald.service)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/fsherald.service DESTINATION ${unit_dir})
install(FILES packaging/fsherald.sysusers DESTINATION lib/sysusers.d RENAME fsherald.conf)
install(FILES packaging/fsherald.tmpfiles DESTINATION lib/tmpfiles.d RENAME fsherald.conf)
install(FILES packaging/fsherald.toml DESTINATION ${CMAKE_INSTALL_DOCDIR})
