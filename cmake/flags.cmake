# SPDX-License-Identifier: MIT
# Compiler flags of every target: warnings are errors, sanitizers by FSHERALD_SANITIZE.
# A designated initializer that leaves a member at its default is meant to.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")

# One build of the folders for the program and for libfsherald, which exports its C functions and nothing else.
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion
                    $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor> -Wno-missing-field-initializers -Werror)
add_compile_definitions(_FILE_OFFSET_BITS=64 FSHERALD_VERSION="${PROJECT_VERSION}")

if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # Not ours: libstdc++ 12 calls what it deprecates (std::stable_sort), and LIBBPF_OPTS is GNU C.
  add_compile_options(-Wno-deprecated-declarations -Wno-gnu-statement-expression-from-macro-expansion
                      -Wno-c99-extensions)
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # g++ 12 believes a std::optional that is moved inside a std::variant to be uninitialized; the sanitizers look instead.
  add_compile_options(-Wno-maybe-uninitialized)
endif()

if(FSHERALD_SANITIZE)
  add_compile_options(-fsanitize=${FSHERALD_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${FSHERALD_SANITIZE})
else()
  add_compile_definitions(_FORTIFY_SOURCE=2)
  add_compile_options(-fstack-protector-strong)
endif()
