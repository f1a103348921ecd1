# SPDX-License-Identifier: MIT
# libfsherald, shared and static, libfsherald-fanotify.so, and what others find them by: headers, pkg-config, a CMake package,
# the man pages. The sanitizers' builds are for the unit tests alone.
if(FSHERALD_FUZZ OR FSHERALD_SANITIZE OR NOT TARGET fsherald_client)
  return()
endif()
include(CMakePackageConfigHelpers)

# A folder's library and all those below it.
function(fsherald_folders_of target result)
  set(all ${target})
  get_target_property(linked ${target} LINK_LIBRARIES)
  foreach(folder ${linked})
    if(folder MATCHES "^fsherald_" AND TARGET ${folder})
      get_target_property(type ${folder} TYPE)
      if(type STREQUAL "STATIC_LIBRARY")
        fsherald_folders_of(${folder} below)
        list(APPEND all ${below})
      endif()
    endif()
  endforeach()
  list(REMOVE_DUPLICATES all)
  set(${result} ${all} PARENT_SCOPE)
endfunction()

set(symbol_map ${CMAKE_CURRENT_SOURCE_DIR}/cmake/libfsherald.map)
set(hardened -Wl,-z,defs -Wl,--no-undefined -Wl,-z,noexecstack -Wl,-z,relro -Wl,-z,now)

add_library(fsherald_shared SHARED $<TARGET_OBJECTS:fsherald_client>)
target_link_libraries(fsherald_shared PRIVATE fsherald_client)
target_link_options(fsherald_shared PRIVATE ${hardened} -Wl,--version-script=${symbol_map})
set_target_properties(fsherald_shared PROPERTIES
  OUTPUT_NAME fsherald EXPORT_NAME fsherald LINKER_LANGUAGE CXX LINK_DEPENDS ${symbol_map}
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})

fsherald_folders_of(fsherald_client folders)
list(TRANSFORM folders REPLACE ".+" "$<TARGET_OBJECTS:\\0>" OUTPUT_VARIABLE objects)
add_library(fsherald_static STATIC ${objects})
set_target_properties(fsherald_static PROPERTIES OUTPUT_NAME fsherald LINKER_LANGUAGE CXX)
# By their bare names: who links the shared library alone need not have them.
set(static_dependencies ${bpf_STATIC_LIBRARIES} ${mount_LIBRARIES} ${blkid_LIBRARIES} ${ext2fs_LIBRARIES} fmt stdc++ m)
list(REMOVE_DUPLICATES static_dependencies)
target_link_libraries(fsherald_static INTERFACE ${static_dependencies} pthread)

foreach(library fsherald_shared fsherald_static)
  target_include_directories(${library} INTERFACE
    $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()
add_library(fsherald::fsherald ALIAS fsherald_shared)
add_library(fsherald::fsherald_static ALIAS fsherald_static)

install(TARGETS fsherald_shared fsherald_static EXPORT fsherald-targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
file(GLOB headers CONFIGURE_DEPENDS include/fsherald/*.h include/fsherald/*.hpp)
install(FILES ${headers} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/fsherald)
foreach(section 1 3 5 7 8)
  file(GLOB pages CONFIGURE_DEPENDS man/*.${section})
  if(pages)
    install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
  endif()
endforeach()

# All that it needs of ours is in it: one file to preload, into any program, at any place.
add_library(fsherald_fanotify MODULE src/preload/interpose.cc)
target_link_libraries(fsherald_fanotify PRIVATE fsherald_preload)
# The header's inline read(2) of _FORTIFY_SOURCE cannot stand beside our own.
target_compile_options(fsherald_fanotify PRIVATE -U_FORTIFY_SOURCE)
target_link_options(fsherald_fanotify PRIVATE ${hardened}
  -Wl,--version-script=${CMAKE_CURRENT_SOURCE_DIR}/cmake/libfsherald-fanotify.map)
set_target_properties(fsherald_fanotify PROPERTIES
  OUTPUT_NAME fsherald-fanotify CXX_VISIBILITY_PRESET default LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/cmake/libfsherald-fanotify.map)
install(TARGETS fsherald_fanotify LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/fsherald)
install(EXPORT fsherald-targets NAMESPACE fsherald:: DESTINATION ${package_dir})
configure_package_config_file(cmake/fsherald-config.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/fsherald-config.cmake
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO)
# Until 1.0 a new minor version may break what used the last one.
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/fsherald-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/fsherald-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/fsherald-config-version.cmake
  DESTINATION ${package_dir})

# Relative to where the file lies: the tree may be installed anywhere, and moved.
file(RELATIVE_PATH prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" prefix_from_pc "${prefix_from_pc}")
list(TRANSFORM static_dependencies PREPEND "-l" OUTPUT_VARIABLE pc_private)
list(JOIN pc_private " " pc_private)
configure_file(cmake/fsherald.pc.in ${CMAKE_CURRENT_BINARY_DIR}/fsherald.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/fsherald.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
