# SPDX-License-Identifier: MIT
# Compiles bpf/*.bpf.c with clang and makes one skeleton header of it with bpftool.
find_program(BPF_CLANG NAMES clang clang-19 REQUIRED)
find_program(BPFTOOL NAMES bpftool PATHS /usr/sbin REQUIRED)

string(REGEX MATCH "x86|aarch64|riscv64|s390x|ppc64" bpf_machine "${CMAKE_SYSTEM_PROCESSOR}")
set(bpf_arch_x86 x86)
set(bpf_arch_aarch64 arm64)
set(bpf_arch_riscv64 riscv)
set(bpf_arch_s390x s390)
set(bpf_arch_ppc64 powerpc)

set(bpf_out ${CMAKE_CURRENT_BINARY_DIR}/bpf)
file(MAKE_DIRECTORY ${bpf_out})
file(GLOB bpf_headers CONFIGURE_DEPENDS bpf/*.h)
set(bpf_skeletons)
foreach(program trace detail storage xfs fserror)
  add_custom_command(
    OUTPUT ${bpf_out}/${program}.bpf.o
    COMMAND ${BPF_CLANG} -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter -target bpf -mcpu=v3
            -D__TARGET_ARCH_${bpf_arch_${bpf_machine}} -I${CMAKE_CURRENT_SOURCE_DIR}/bpf
            -idirafter /usr/include/${CMAKE_CXX_LIBRARY_ARCHITECTURE}
            -c ${CMAKE_CURRENT_SOURCE_DIR}/bpf/${program}.bpf.c -o ${bpf_out}/${program}.bpf.o
    DEPENDS bpf/${program}.bpf.c ${bpf_headers}
    VERBATIM)
  add_custom_command(
    OUTPUT ${bpf_out}/${program}.skel.h
    COMMAND ${BPFTOOL} gen skeleton ${bpf_out}/${program}.bpf.o name ${program}_bpf > ${bpf_out}/${program}.skel.h
    DEPENDS ${bpf_out}/${program}.bpf.o
    VERBATIM)
  list(APPEND bpf_skeletons ${bpf_out}/${program}.skel.h)
endforeach()
add_custom_target(fsherald_bpf_skeleton DEPENDS ${bpf_skeletons})
add_library(fsherald_bpf INTERFACE)
target_include_directories(fsherald_bpf SYSTEM INTERFACE ${bpf_out})
target_include_directories(fsherald_bpf INTERFACE ${CMAKE_CURRENT_SOURCE_DIR})
add_dependencies(fsherald_bpf fsherald_bpf_skeleton)
