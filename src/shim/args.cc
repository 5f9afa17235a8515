// SPDX-License-Identifier: Apache-2.0
#include "shim/args.h"

#include <string_view>

namespace vortex::shim {

Args ParseArgs(const std::vector<std::string>& words) {
  Args args;
  std::string ignored;
  const auto text = [&](std::string_view name) -> std::string* {
    if (name == "namespace") return &args.name_space;
    if (name == "address") return &args.address;
    if (name == "publish-binary") return &args.publish_binary;
    if (name == "id") return &args.id;
    if (name == "bundle") return &args.bundle;
    if (name == "socket") return &args.socket;
    if (name == "debug-socket") return &ignored;
    return nullptr;
  };
  const auto boolean = [&](std::string_view name) -> bool* {
    if (name == "debug") return &args.debug;
    if (name == "v" || name == "version") return &args.version;
    if (name == "info") return &args.info;
    return nullptr;
  };
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string_view word = words[i];
    if (word.size() < 2 || word[0] != '-' || word == "--") {
      if (word == "--") continue;
      args.action = word;
      break;
    }
    word.remove_prefix(word[1] == '-' ? 2 : 1);
    const std::size_t equals = word.find('=');
    const std::string_view name = word.substr(0, equals);
    if (bool* flag = boolean(name)) {
      const std::string_view value =
          equals == std::string_view::npos ? "true" : word.substr(equals + 1);
      *flag = value == "true" || value == "1" || value == "t" || value == "T" || value == "TRUE" ||
              value == "True";
    } else if (std::string* value = text(name)) {
      if (equals != std::string_view::npos) {
        *value = word.substr(equals + 1);
      } else if (i + 1 < words.size()) {
        *value = words[++i];
      }
    } else {
      args.unknown.emplace_back(words[i]);
    }
  }
  return args;
}

}  // namespace vortex::shim
