// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "shim/files.h"
#include "shim/runtime_options.h"

namespace vortex::shim {
namespace {

// "NoPivotRoot" and "no_pivot_root" are one key.
std::string Canonical(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c == '_' || c == '-') continue;
    out += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  }
  return out;
}

// Cuts a '#' comment that is not inside a string.
std::string_view WithoutComment(std::string_view line) {
  char quote = '\0';
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != '\0') {
      if (c == '\\' && quote == '"') {
        ++i;
      } else if (c == quote) {
        quote = '\0';
      }
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '#') {
      return line.substr(0, i);
    }
  }
  return line;
}

bool TakeString(std::string_view* text, std::string* out) {
  if (text->empty()) return false;
  const char quote = text->front();
  if (quote != '"' && quote != '\'') return false;
  text->remove_prefix(1);
  while (!text->empty()) {
    char c = text->front();
    text->remove_prefix(1);
    if (c == quote) return true;
    if (c == '\\' && quote == '"') {
      if (text->empty()) return false;
      c = text->front();
      text->remove_prefix(1);
      if (c == 'n') {
        c = '\n';
      } else if (c == 't') {
        c = '\t';
      } else if (c != '"' && c != '\\') {
        return false;
      }
    }
    *out += c;
  }
  return false;
}

// Strings, booleans and integers come out as text, an array of strings as several.
bool ReadValue(std::string_view text, std::vector<std::string>* out) {
  if (text.starts_with('[')) {
    text.remove_prefix(1);
    for (;;) {
      text = Trim(text);
      if (text.starts_with(']')) return Trim(text.substr(1)).empty();
      std::string item;
      if (!TakeString(&text, &item)) return false;
      out->push_back(std::move(item));
      text = Trim(text);
      if (text.starts_with(',')) {
        text.remove_prefix(1);
      } else if (!text.starts_with(']')) {
        return false;
      }
    }
  }
  std::string value;
  if (text.starts_with('"') || text.starts_with('\'')) {
    if (!TakeString(&text, &value) || !Trim(text).empty()) return false;
  } else {
    if (text.empty() || text.find_first_of(" \t\"'{}[]") != std::string_view::npos) return false;
    value = text;
  }
  out->push_back(std::move(value));
  return true;
}

void Apply(std::string_view table, std::string_view key, const std::vector<std::string>& values,
           RuntimeOptions* out) {
  if (table == "runsc_config") {
    if (!values.empty()) out->runtime_flags.push_back("--" + std::string(key) + "=" + values[0]);
    return;
  }
  const std::string name = Canonical(key);
  const std::string value = values.empty() ? "" : values[0];
  const auto number = [&] { return static_cast<std::uint32_t>(ParseNumber(value).value_or(0)); };
  if (name == "nopivotroot") out->no_pivot_root = value == "true";
  if (name == "nonewkeyring") out->no_new_keyring = value == "true";
  if (name == "shimcgroup") out->shim_cgroup = value;
  if (name == "iouid") out->io_uid = number();
  if (name == "iogid") out->io_gid = number();
  if (name == "binaryname") out->binary_name = value;
  if (name == "root") out->root = value;
  if (name == "systemdcgroup") out->systemd_cgroup = value == "true";
  if (name == "criuimagepath") out->criu_image_path = value;
  if (name == "criuworkpath") out->criu_work_path = value;
  if (name == "driver") out->driver = value;
  if (name == "runtimeflags") out->runtime_flags = values;
}

}  // namespace

Status ParseToml(std::string_view text, RuntimeOptions* out) {
  std::string table;
  for (int number = 1; !text.empty(); ++number) {
    const std::string_view line = Trim(WithoutComment(NextLine(&text)));
    if (line.empty()) continue;
    const auto bad = [&](std::string_view why) {
      return InvalidArgument("line " + std::to_string(number) + ": " + std::string(why));
    };
    if (line.starts_with('[') && line.find('=') == std::string_view::npos) {
      if (!line.ends_with(']')) return bad("table without ]");
      table = Trim(line.substr(1, line.size() - 2));
      continue;
    }
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return bad("neither a table nor key = value");
    std::string_view key = Trim(line.substr(0, equals));
    if (key.size() >= 2 && key.front() == '"' && key.back() == '"')
      key = key.substr(1, key.size() - 2);
    std::vector<std::string> values;
    if (!ReadValue(Trim(line.substr(equals + 1)), &values)) {
      return bad("value of " + std::string(key) +
                 " is no string, boolean, integer or array of strings on one line");
    }
    Apply(table, key, values, out);
  }
  return Ok();
}

}  // namespace vortex::shim
