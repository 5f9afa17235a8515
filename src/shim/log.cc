// SPDX-License-Identifier: Apache-2.0
#include "shim/log.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "base/json_reader.h"

namespace vortex::shim {
namespace {

int log_fd = 2;
bool log_debug = false;

const char* Name(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      break;
  }
  return "error";
}

}  // namespace

void OpenLog(const char* path, bool debug) {
  log_debug = debug;
  // With the read end open as well, a restart of containerd is no EPIPE.
  const int fd = ::open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd >= 0) log_fd = fd;
}

void Log(Level level, std::initializer_list<std::string_view> parts) {
  if (level == Level::kDebug && !log_debug) return;
  const time_t now = ::time(nullptr);
  struct tm utc {};
  ::gmtime_r(&now, &utc);
  char stamp[96];
  ::snprintf(stamp, sizeof stamp, "%04d-%02d-%02dT%02d:%02d:%02dZ", utc.tm_year + 1900,
             utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
  std::string message;
  for (const std::string_view part : parts) message += part;
  std::string line = "time=\"";
  line += stamp;
  line += "\" level=";
  line += Name(level);
  line += " msg=";
  line += base::JsonQuote(message);
  line += " runtime=io.containerd.vortex.v2\n";
  [[maybe_unused]] const ssize_t ignored = ::write(log_fd, line.data(), line.size());
}

}  // namespace vortex::shim
