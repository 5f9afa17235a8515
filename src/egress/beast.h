// SPDX-License-Identifier: Apache-2.0
// Boost.Asio and Boost.Beast, as this folder uses them; they cost seconds in each file.
#pragma once

// Boost 1.74's awaitable.hpp uses std::exchange without it.
#include <cstdint>
#include <limits>
#include <utility>

// The system_error and exceptions of these stay inside the proxy.
#include <boost/asio.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

namespace vortex::egress {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
// boost::none would be the natural word, and Boost 1.74 takes it for a limit of nothing.
inline constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();
using ErrorCode = boost::system::error_code;

}  // namespace vortex::egress
