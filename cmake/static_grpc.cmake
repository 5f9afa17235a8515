# SPDX-License-Identifier: Apache-2.0
# What users run links gRPC, protobuf and Abseil from Debian's archives: resolving some fifty shared libraries costs
# every start of vortexctl 10 ms and 4 MB of resident memory. Sanitizer builds keep the shared ones.
# Debian's CMake packages describe only the shared libraries, so their targets are pointed to the .a beside them.

# vortex_link_archives(TARGET): TARGET and, through its link interface, every imported target that has an archive.
function(vortex_link_archives target)
  if(NOT TARGET ${target})
    return()
  endif()
  get_target_property(aliased ${target} ALIASED_TARGET)
  if(aliased)
    set(target ${aliased})
  endif()
  get_property(done GLOBAL PROPERTY vortex_archived)
  # zlib reads what strangers wrote: Debian's updates of it shall reach our programs without a build of ours.
  if(target IN_LIST done OR target STREQUAL "ZLIB::ZLIB")
    return()
  endif()
  set_property(GLOBAL APPEND PROPERTY vortex_archived ${target})
  foreach(suffix "" _NONE _RELEASE)
    get_target_property(location ${target} IMPORTED_LOCATION${suffix})
    if(location)
      string(REGEX REPLACE "\\.so[.0-9]*$" ".a" archive ${location})
      if(EXISTS ${archive})
        set_target_properties(${target} PROPERTIES IMPORTED_LOCATION${suffix} ${archive} IMPORTED_NO_SONAME${suffix} TRUE)
        if(NOT location STREQUAL archive)  # what our own shared library links: install.cmake
          set_target_properties(${target} PROPERTIES VORTEX_SHARED_FILE ${location})
        endif()
      endif()
    endif()
  endforeach()
  get_target_property(needed ${target} INTERFACE_LINK_LIBRARIES)
  foreach(library ${needed})
    vortex_link_archives(${library})
  endforeach()
endfunction()

# A Python extension is a shared library, for which Debian's archives are not position independent: its build keeps the
# shared ones throughout, unless the extension has none of this in it and loads libvortex-sandbox.so.
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT VORTEX_SANITIZE AND (NOT VORTEX_PYTHON OR VORTEX_PYTHON_SHARED))
  vortex_link_archives(gRPC::grpc++_unsecure)
  # For SHA-256 alone, of which the linker takes two object files; the shared library costs 2 ms to load.
  find_package(OpenSSL REQUIRED)
  vortex_link_archives(OpenSSL::Crypto)
endif()
