# SPDX-License-Identifier: Apache-2.0
# The headers that users may include, and with them whatever of ours they include. tests/packaging compiles each alone.
set(VORTEX_PUBLIC_ROOTS
  base/cancellation.h base/files.h base/status.h
  client/client.h client/import.h
  oci/canonical_json.h oci/job.h
  policy/gate.h policy/manifest.h
  sandbox/doctor.h sandbox/embedded_runner.h sandbox/gc.h sandbox/operator_files.h sandbox/result_json.h
  sandbox/runner.h)

# vortex_public_headers(OUT): paths below src/.
function(vortex_public_headers out)
  set(headers "")
  set(todo ${VORTEX_PUBLIC_ROOTS})
  while(todo)
    list(POP_FRONT todo header)
    if(header IN_LIST headers OR NOT EXISTS ${PROJECT_SOURCE_DIR}/src/${header})
      continue()
    endif()
    list(APPEND headers ${header})
    # An edited header may include another one.
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${header})
    file(STRINGS ${PROJECT_SOURCE_DIR}/src/${header} lines REGEX "^#include \"[a-z0-9_/]+\\.h\"")
    list(TRANSFORM lines REPLACE "^#include \"([a-z0-9_/]+\\.h)\".*" "\\1")
    list(APPEND todo ${lines})
  endwhile()
  list(SORT headers)
  set(${out} ${headers} PARENT_SCOPE)
endfunction()
