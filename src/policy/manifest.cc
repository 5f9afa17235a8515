// SPDX-License-Identifier: Apache-2.0
#include "policy/manifest.h"

#include <algorithm>
#include <regex>

#include "policy/fields.h"
#include "policy/text.h"
#include "policy/yaml_reader.h"

namespace vortex::policy {
namespace {

constexpr std::size_t kMaxDescription = 200;
constexpr std::size_t kMaxArgument = 4096;

// Bounded before std::regex, which recurses with the length of its input.
bool Matches(const std::string& text, const std::regex& pattern, std::size_t max_size) {
  return text.size() <= max_size && std::regex_match(text, pattern);
}

absl::Status ReadVersion(const YamlField& field, Manifest& out) {
  VX_ASSIGN_OR_RETURN(out.version, field.Scalar());
  // Source  semver.org 2.0.0, items 2, 9 and 10.
  static const std::regex kSemver(
      "(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)"
      "(-(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(\\.(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]"
      "*))*)?"
      "(\\+[0-9A-Za-z-]+(\\.[0-9A-Za-z-]+)*)?");
  if (Matches(out.version, kSemver, 64)) return absl::OkStatus();
  return field.Bad("{} is not a semantic version; write three numbers, for example 1.0.0",
                   Quoted(out.version));
}

absl::Status ReadDescription(const YamlField& field, Manifest& out) {
  VX_ASSIGN_OR_RETURN(out.description, field.Text());
  if (out.description.find('\n') != std::string::npos) {
    return field.Bad("{} is more than one line; write one line of at most {} bytes",
                     Quoted(out.description), kMaxDescription);
  }
  if (out.description.size() <= kMaxDescription) return absl::OkStatus();
  return field.Bad("{} is {} bytes long; write one line of at most {} bytes",
                   Quoted(out.description), out.description.size(), kMaxDescription);
}

absl::Status ReadEntrypoint(const YamlField& field, Manifest& out) {
  VX_ASSIGN_OR_RETURN(const std::string text, field.Scalar());
  static const std::regex kPattern(
      "[A-Za-z_][A-Za-z0-9_]*(\\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*");
  if (!Matches(text, kPattern, 200)) {
    return field.Bad("{} is not module:function; write for example word_count:run", Quoted(text));
  }
  const std::size_t colon = text.find(':');
  out.entrypoint = Entrypoint{text.substr(0, colon), text.substr(colon + 1)};
  return absl::OkStatus();
}

absl::Status ReadCommand(const YamlField& field, Manifest& out) {
  VX_ASSIGN_OR_RETURN(const auto items, field.List(kMaxList));
  if (items.empty())
    return field.Bad("is empty; name the program, for example [/plugin/bin/hello]");
  for (const YamlField& item : items) {
    VX_ASSIGN_OR_RETURN(std::string argument, item.Text());
    if (argument.size() > kMaxArgument) {
      return item.Bad("is {} bytes long; at most {} are allowed", argument.size(), kMaxArgument);
    }
    out.command.push_back(std::move(argument));
  }
  const std::string program = out.command[0] + "/";
  const bool plain = program.starts_with('/') && program.find("/../") == std::string::npos &&
                     program.find("/./") == std::string::npos &&
                     program.find("//") == std::string::npos;
  if (plain && out.command[0].size() > 1) return absl::OkStatus();
  return items[0].Bad(
      "{} is not an absolute path without \".\" and \"..\"; a program of the bundle is below "
      "/plugin, for example /plugin/bin/hello",
      Quoted(out.command[0]));
}

absl::Status ReadNetwork(const YamlField& field, Manifest& out) {
  VX_ASSIGN_OR_RETURN(const auto members, field.Members({"allow"}));
  for (const auto& [key, value] : members) {
    VX_ASSIGN_OR_RETURN(out.network, ReadList(value, kMaxList, ReadNetworkRule));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Manifest> ParseManifest(std::string_view yaml, std::string_view file_name) {
  VX_ASSIGN_OR_RETURN(const YAML::Node document, LoadYaml(yaml, file_name, kMaxManifestBytes));
  const YamlField root(document, "", file_name);
  VX_ASSIGN_OR_RETURN(const auto members,
                      root.Members({"id", "version", "description", "entrypoint", "command",
                                    "limits", "network", "capabilities", "gpus"}));
  Manifest out;
  for (const auto& [key, value] : members) {
    if (key == "id") {
      VX_ASSIGN_OR_RETURN(out.id, ReadId(value));
    }
    if (key == "version") VX_RETURN_IF_ERROR(ReadVersion(value, out));
    if (key == "description") VX_RETURN_IF_ERROR(ReadDescription(value, out));
    if (key == "entrypoint") VX_RETURN_IF_ERROR(ReadEntrypoint(value, out));
    if (key == "command") VX_RETURN_IF_ERROR(ReadCommand(value, out));
    if (key == "limits") {
      VX_ASSIGN_OR_RETURN(out.limits, ReadLimits(value));
    }
    if (key == "network") VX_RETURN_IF_ERROR(ReadNetwork(value, out));
    if (key == "capabilities") {
      VX_ASSIGN_OR_RETURN(out.capabilities, ReadList(value, kMaxList, ReadCapability));
    }
    if (key == "gpus") {
      VX_ASSIGN_OR_RETURN(out.gpus, ReadList(value, kMaxList, ReadCdiName));
    }
  }
  if (out.id.empty()) return root.Bad("id is missing; write for example id: word-count");
  if (out.version.empty()) return root.Bad("version is missing; write for example version: 1.0.0");
  if (out.entrypoint.has_value() == !out.command.empty()) {
    return root.Bad("needs exactly one of entrypoint (module:function) and command (a list)");
  }
  return out;
}

}  // namespace vortex::policy
