// SPDX-License-Identifier: Apache-2.0
#include "shim/ttrpc_frame.h"

#include <algorithm>

namespace vortex::shim {
namespace {

std::uint32_t ReadBig(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

void PutBig(std::string* out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out->push_back(static_cast<char>(value >> shift));
}

}  // namespace

bool FrameDecoder::Next(Frame* frame) {
  if (discard_ > 0) {
    const std::size_t drop = std::min(discard_, buffer_.size());
    buffer_.erase(0, drop);
    discard_ -= drop;
    if (discard_ > 0) return false;
  }
  if (buffer_.size() < kFrameHeader) return false;
  const std::uint32_t length = ReadBig(buffer_);
  frame->stream = ReadBig(std::string_view(buffer_).substr(4));
  frame->type = static_cast<std::uint8_t>(buffer_[8]);
  frame->oversized = length > kMaxPayload;
  if (frame->oversized) {
    // Answered at once; the bytes are drained so that the connection stays in step.
    discard_ = length;
    frame->payload.clear();
    buffer_.erase(0, kFrameHeader);
    return true;
  }
  if (buffer_.size() - kFrameHeader < length) return false;
  frame->payload.assign(buffer_, kFrameHeader, length);
  buffer_.erase(0, kFrameHeader + length);
  // A large frame's buffer must not stay.
  if (buffer_.empty() && buffer_.capacity() > 4096) std::string().swap(buffer_);
  return true;
}

std::string EncodeFrame(std::uint32_t stream, FrameType type, std::string_view payload) {
  std::string out;
  out.reserve(kFrameHeader + payload.size());
  PutBig(&out, static_cast<std::uint32_t>(payload.size()));
  PutBig(&out, stream);
  out.push_back(static_cast<char>(type));
  out.push_back('\0');
  out += payload;
  return out;
}

}  // namespace vortex::shim
