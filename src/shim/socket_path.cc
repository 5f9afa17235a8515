// SPDX-License-Identifier: Apache-2.0
#include "shim/socket_path.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "shim/files.h"
#include "shim/sha256_small.h"

namespace vortex::shim {
namespace {

bool Fill(const std::string& path, sockaddr_un* name) {
  name->sun_family = AF_UNIX;
  if (path.size() >= sizeof name->sun_path) return false;
  std::memcpy(name->sun_path, path.data(), path.size());
  return true;
}

}  // namespace

std::string CleanPath(std::string_view path) {
  const bool absolute = path.starts_with('/');
  std::vector<std::string_view> parts;
  for (const std::string_view part : Split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty() && parts.back() != "..") {
      parts.pop_back();
    } else if (!absolute) {
      parts.push_back(part);
    }
  }
  std::string out = absolute ? "/" : "";
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) out += '/';
    out += parts[i];
  }
  return out.empty() ? "." : out;
}

std::string SocketPath(const std::string& dir, const std::string& address,
                       const std::string& name_space, const std::string& group) {
  // path.Join leaves empty elements out.
  std::string joined;
  for (const std::string* part : {&address, &name_space, &group}) {
    if (part->empty()) continue;
    if (!joined.empty()) joined += '/';
    joined += *part;
  }
  return dir + "/" + Sha256Hex(joined.empty() ? joined : CleanPath(joined));
}

bool SomebodyListens(const std::string& path) {
  sockaddr_un name{};
  if (!Fill(path, &name)) return false;
  const base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval limit{0, 100'000};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  return fd && ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
}

Status ListenOrFind(const std::string& path, base::UniqueFd* listener, bool* in_use) {
  *in_use = false;
  sockaddr_un name{};
  if (!Fill(path, &name))
    return InvalidArgument("socket path " + path + " is longer than 107 bytes");
  const std::string dir = path.substr(0, path.rfind('/'));
  ::mkdir(dir.substr(0, dir.rfind('/')).c_str(), 0711);
  if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST)
    return FromErrno("socket directory " + dir, errno);
  base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return FromErrno("socket", errno);
  const mode_t old = ::umask(0177);
  int error = 0;
  for (int attempt = 0; attempt < 2; ++attempt) {
    error =
        ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0 ? 0 : errno;
    if (error != EADDRINUSE) break;
    if (SomebodyListens(path)) {
      *in_use = true;
      break;
    }
    ::unlink(path.c_str());
  }
  ::umask(old);
  if (*in_use) return Ok();
  if (error != 0) return FromErrno("bind " + path, error);
  if (::listen(fd.get(), 128) != 0) return FromErrno("listen " + path, errno);
  *listener = std::move(fd);
  return Ok();
}

}  // namespace vortex::shim
