# SPDX-License-Identifier: MIT
# How the tests' own sources are compiled: so that all of ./test takes little time.
option(FSHERALD_UNITY "compile the tests' sources ten at a time: less than half of the processor time of one by one" ON)

# Their anonymous namespaces have names that their neighbours' have too: these are compiled by themselves.
set(FSHERALD_NOT_IN_UNITY
  daemon/replay_line_test.cc daemon/subscription_test.cc
  filesystem/ext4_log_test.cc filesystem/repair_test.cc
  health/health_test.cc
  join/chains_test.cc join/device_counts_test.cc join/episodes_test.cc join/join_echo_test.cc join/join_test.cc
  join/join_xfs_test.cc
  notify/groups_test.cc notify/traced_errors_test.cc
  preload/rfc_group_test.cc
  record/stream_test.cc record/text_test.cc
  source/kmsg_record_test.cc
  store/retention_test.cc)

# fsherald_test_sources(TARGET [OPTIMIZED] [ALONE]): TARGET is a test. Only what it tests is optimised; OPTIMIZED: the test as
# well, for it has code of ours inlined whose order of loads and stores matters. ALONE: its sources share too many names.
function(fsherald_test_sources target)
  if(NOT "ALONE" IN_LIST ARGN)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ${FSHERALD_UNITY} UNITY_BUILD_BATCH_SIZE 10)
  endif()
  get_target_property(sources ${target} SOURCES)
  foreach(source ${sources})
    get_filename_component(path ${source} ABSOLUTE)
    foreach(own ${FSHERALD_NOT_IN_UNITY})
      if(path MATCHES "/${own}$")
        set_source_files_properties(${source} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
      endif()
    endforeach()
  endforeach()
  if(NOT "OPTIMIZED" IN_LIST ARGN)
    # _FORTIFY_SOURCE is for optimised code alone. Where a test fails GoogleTest says itself: no -g.
    target_compile_options(${target} PRIVATE -O0 -U_FORTIFY_SOURCE)
    if(NOT FSHERALD_SANITIZE)
      target_compile_options(${target} PRIVATE -g0)
    endif()
  endif()
endfunction()
