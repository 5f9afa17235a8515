// SPDX-License-Identifier: Apache-2.0
#include "shim/bootstrap_input.h"

#include "shim/wire_fields.h"

namespace vortex::shim {
namespace {

bool IsOptionsType(std::string_view url) {
  const std::size_t slash = url.rfind('/');
  const std::string_view type = slash == std::string_view::npos ? url : url.substr(slash + 1);
  return type == "containerd.runc.v1.Options" || type == "runtimeoptions.v1.Options";
}

}  // namespace

BootstrapInput ParseBootstrapInput(std::string_view bytes, std::string_view id,
                                   std::string_view name_space) {
  BootstrapInput input;
  std::string_view first;
  std::string_view second;
  if (!EachField(bytes, [&](std::uint64_t number, std::string_view value) {
        if (number == 1) first = value;
        if (number == 2) second = value;
      })) {
    return input;
  }
  input.params = !id.empty() && first == id && second == name_space;
  if (!input.params) {
    input.options_type = first;
    input.options_value = second;
    return input;
  }
  EachField(bytes, [&](std::uint64_t number, std::string_view value) {
    if (number == 5) input.ttrpc_address = value;
    if (number == 9) input.socket_dir = value;
    if (number != 8) return;
    EachField(value, [&](std::uint64_t inner, std::string_view any) {
      if (inner != 1) return;
      std::string_view type;
      std::string_view data;
      EachField(any, [&](std::uint64_t part, std::string_view part_value) {
        if (part == 1) type = part_value;
        if (part == 2) data = part_value;
      });
      if (!IsOptionsType(type)) return;
      input.options_type = type;
      input.options_value = data;
    });
  });
  return input;
}

}  // namespace vortex::shim
