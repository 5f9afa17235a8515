# SPDX-License-Identifier: Apache-2.0
# Warnings for our own code only; generated and third-party headers are SYSTEM.
add_library(vortex_warnings INTERFACE)
target_compile_options(vortex_warnings INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Werror
  # Designated initializers name what matters and leave the rest at its default.
  -Wno-missing-field-initializers
  # g++ 12 reports these inside its own and Abseil's inlined headers.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread>)
