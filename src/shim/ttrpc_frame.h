// SPDX-License-Identifier: Apache-2.0
// Frames of ttrpc: a 10-byte header (payload length and stream id big-endian, type, flags) and a
// payload.
//   Source  github.com/containerd/ttrpc PROTOCOL.md
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace vortex::shim {

inline constexpr std::size_t kFrameHeader = 10;
inline constexpr std::uint32_t kMaxPayload = 4 << 20;

enum FrameType : std::uint8_t { kRequestFrame = 1, kResponseFrame = 2, kDataFrame = 3 };

struct Frame {
  std::uint32_t stream = 0;
  std::uint8_t type = 0;
  bool oversized = false;  // longer than kMaxPayload: its payload was thrown away
  std::string payload;
};

// Cuts a byte stream into frames. Never holds more than one frame and what one Feed brought.
class FrameDecoder {
 public:
  void Feed(std::string_view bytes) { buffer_ += bytes; }
  // True when a frame was complete; call until false.
  bool Next(Frame* frame);
  std::size_t buffered() const { return buffer_.size(); }

 private:
  std::string buffer_;
  std::size_t discard_ = 0;  // bytes of an oversized payload still to come
};

std::string EncodeFrame(std::uint32_t stream, FrameType type, std::string_view payload);

}  // namespace vortex::shim
