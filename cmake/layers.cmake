# SPDX-License-Identifier: Apache-2.0

# vortex_library(NAME SOURCES a.cc … DEPS x y): one static library per layer, with src/ as its
# include root and our warnings. tests/layers_test.py guards which layer may include which.
function(vortex_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${name} PUBLIC ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS} vortex_warnings)
endfunction()

# vortex_test(NAME SOURCES a_test.cc … DEPS x LABELS unit): one GoogleTest program, one ctest entry.
# TIMEOUT defaults to 300 s: a sanitizer build on a busy host is slow; a program that prints "[  SKIPPED ]" for everything still passes.
function(vortex_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;DEPS;LABELS;ENVIRONMENT" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  string(REPLACE "." "_" target ${name}_test)
  add_executable(${target} ${ARG_SOURCES})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/tests)
  target_link_libraries(${target} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest_main vortex_warnings)
  add_test(NAME ${name} COMMAND ${target})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}"
    ENVIRONMENT "VORTEX_SOURCE_DIR=${PROJECT_SOURCE_DIR};VORTEX_BINARY_DIR=${PROJECT_BINARY_DIR};${ARG_ENVIRONMENT}")
endfunction()
