// SPDX-License-Identifier: Apache-2.0
#include "shim/stdio_target.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "shim/files.h"

namespace vortex::shim {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string PercentDecode(std::string_view text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && HexDigit(text[i + 1]) >= 0 &&
        HexDigit(text[i + 2]) >= 0) {
      out += static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2]));
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

void ParseQuery(std::string_view query, std::vector<std::string>* args) {
  if (query.empty()) return;
  for (const std::string_view pair : Split(query, '&')) {
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    args->push_back(PercentDecode(pair.substr(0, equals), true));
    if (equals == std::string_view::npos || equals + 1 == pair.size()) continue;
    args->push_back(PercentDecode(pair.substr(equals + 1), true));
  }
}

bool IsFifo(const std::string& path, int* error) {
  struct stat info {};
  *error = ::stat(path.c_str(), &info) == 0 ? 0 : errno;
  return *error == 0 && S_ISFIFO(info.st_mode);
}

void MakeParents(const std::string& path) {
  for (std::size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
    ::mkdir(path.substr(0, at).c_str(), 0755);
  }
}

}  // namespace

StdioUri ParseStdioUri(std::string_view text) {
  StdioUri uri;
  if (text.empty()) return uri;
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) {
    uri.kind = StdioUri::Kind::kFifo;
    uri.path = text;
    return uri;
  }
  const std::string_view scheme = text.substr(0, colon);
  std::string_view rest = text.substr(colon + 3);
  std::string_view query;
  if (const std::size_t mark = rest.find('?'); mark != std::string_view::npos) {
    query = rest.substr(mark + 1);
    rest = rest.substr(0, mark);
  }
  uri.path = PercentDecode(rest, false);
  if (scheme == "fifo") {
    uri.kind = StdioUri::Kind::kFifo;
  } else if (scheme == "file") {
    uri.kind = StdioUri::Kind::kFile;
  } else if (scheme == "binary" || scheme == "binary-v2") {
    uri.kind = scheme == "binary" ? StdioUri::Kind::kBinary : StdioUri::Kind::kBinaryV2;
    ParseQuery(query, &uri.args);
  } else {
    uri.kind = StdioUri::Kind::kUnsupported;
    uri.path = text;
  }
  return uri;
}

Status OpenOutput(const std::string& path, bool nonblocking, OutputEnd* out) {
  int error = 0;
  const bool fifo = IsFifo(path, &error);
  if (error != 0) return FromErrno("open output " + path, error);
  if (fifo) {
    // With the read end there first, opening for writing cannot block.
    out->guard.Reset(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!out->guard) return FromErrno("open output " + path, errno);
  }
  const int flags = O_WRONLY | O_CLOEXEC | (fifo ? 0 : O_APPEND) | (nonblocking ? O_NONBLOCK : 0);
  out->fd.Reset(::open(path.c_str(), flags));
  return out->fd ? Ok() : FromErrno("open output " + path, errno);
}

Status OpenFileOutput(const std::string& path, OutputEnd* out) {
  if (!path.starts_with('/'))
    return InvalidArgument("output file " + path + " is not an absolute path");
  MakeParents(path);
  out->fd.Reset(::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0644));
  return out->fd ? Ok() : FromErrno("open output file " + path, errno);
}

Status OpenInput(const std::string& path, bool nonblocking, InputEnd* out) {
  int error = 0;
  const bool fifo = IsFifo(path, &error);
  if (error != 0) return FromErrno("open input " + path, error);
  out->fd.Reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!out->fd) return FromErrno("open input " + path, errno);
  if (fifo) {
    out->guard.Reset(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    if (!out->guard) return FromErrno("open input " + path, errno);
  }
  if (!nonblocking) ::fcntl(out->fd.get(), F_SETFL, 0);
  return Ok();
}

}  // namespace vortex::shim
