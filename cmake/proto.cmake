# SPDX-License-Identifier: Apache-2.0
find_package(Protobuf REQUIRED)
find_package(gRPC REQUIRED CONFIG)
include(static_grpc)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)

# vortex_proto_library(NAME [LITE] MESSAGES a.proto … SERVICES b.proto …): one static library of generated code, with
# messages for all files and gRPC stubs for SERVICES. Paths are relative to proto/. Built without our warnings.
function(vortex_proto_library name)
  cmake_parse_arguments(ARG "LITE" "" "MESSAGES;SERVICES" ${ARGN})
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${name})
  file(MAKE_DIRECTORY ${out})
  set(root ${PROJECT_SOURCE_DIR}/proto)
  set(cpp_out --cpp_out=$<$<BOOL:${ARG_LITE}>:lite:>${out})
  set(sources "")
  # One run of protoc a file, so that a change regenerates only what it touches.
  foreach(file ${ARG_MESSAGES} ${ARG_SERVICES})
    string(REGEX REPLACE "\\.proto$" "" stem ${file})
    set(generated ${out}/${stem}.pb.cc)
    set(grpc_args "")
    if(file IN_LIST ARG_SERVICES)
      list(APPEND generated ${out}/${stem}.grpc.pb.cc)
      set(grpc_args --grpc_out=${out} --plugin=protoc-gen-grpc=${GRPC_CPP_PLUGIN})
    endif()
    add_custom_command(
      OUTPUT ${generated}
      COMMAND protobuf::protoc -I ${root} -I ${Protobuf_INCLUDE_DIRS} ${cpp_out} ${grpc_args} ${root}/${file}
      DEPENDS ${root}/${file}
      VERBATIM)
    list(APPEND sources ${generated})
  endforeach()
  # Well-known types come full from libprotobuf; a lite program needs lite ones of its own.
  if(ARG_LITE)
    foreach(stem any empty timestamp)
      set(generated ${out}/google/protobuf/${stem}.pb.cc)
      add_custom_command(
        OUTPUT ${generated}
        COMMAND protobuf::protoc -I ${Protobuf_INCLUDE_DIRS} ${cpp_out}
                ${Protobuf_INCLUDE_DIRS}/google/protobuf/${stem}.proto
        VERBATIM)
      list(APPEND sources ${generated})
    endforeach()
  endif()
  add_library(${name} STATIC ${sources})
  target_include_directories(${name} SYSTEM PUBLIC ${out})
  if(ARG_LITE)
    target_link_libraries(${name} PUBLIC protobuf::libprotobuf-lite)
  else()
    target_link_libraries(${name} PUBLIC protobuf::libprotobuf gRPC::grpc++_unsecure)
    target_precompile_headers(${name} PRIVATE <google/protobuf/generated_message_reflection.h>
      <google/protobuf/map_field_inl.h> <google/protobuf/any.pb.h> <google/protobuf/timestamp.pb.h>
      <grpcpp/grpcpp.h> <grpcpp/impl/codegen/async_stream.h>)
  endif()
endfunction()
