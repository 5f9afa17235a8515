# SPDX-License-Identifier: Apache-2.0
# VORTEX_SANITIZE=address,undefined instruments every target, generated code included: mixing
# instrumented and plain containers gives false reports.
if(VORTEX_SANITIZE)
  add_compile_options(-fsanitize=${VORTEX_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${VORTEX_SANITIZE})
  if(VORTEX_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()
# What Debian's own packages are built with.
if(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  add_compile_options(-fstack-protector-strong -fstack-clash-protection -fcf-protection)
  if(NOT VORTEX_SANITIZE)
    add_compile_definitions(_FORTIFY_SOURCE=2)
  endif()
  add_link_options(-Wl,-z,relro -Wl,-z,now)
endif()
