// SPDX-License-Identifier: Apache-2.0
#include "shim/stdio_target.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

namespace vortex::shim {
namespace {

using Kind = StdioUri::Kind;

TEST(StdioUriTest, Forms) {
  EXPECT_EQ(ParseStdioUri("").kind, Kind::kNull);
  EXPECT_EQ(ParseStdioUri("/run/x").path, "/run/x");
  EXPECT_EQ(ParseStdioUri("fifo:///run/x").path, "/run/x");
  EXPECT_EQ(ParseStdioUri("file:///a%20b").path, "/a b");
  EXPECT_EQ(ParseStdioUri("ttrpc+unix:///s?streaming_id=1").kind, Kind::kUnsupported);
  const StdioUri binary = ParseStdioUri("binary:///usr/bin/log?-f=%2Ftmp%2Fx&empty=&flag");
  EXPECT_EQ(binary.kind, Kind::kBinary);
  EXPECT_EQ(binary.path, "/usr/bin/log");
  EXPECT_EQ(binary.args, (std::vector<std::string>{"-f", "/tmp/x", "empty", "flag"}));
  EXPECT_EQ(ParseStdioUri("binary-v2:///x").kind, Kind::kBinaryV2);
}

class FifoTest : public ::testing::Test {
 protected:
  FifoTest() {
    char pattern[] = "/tmp/vortex-fifo-XXXXXX";
    dir_ = ::mkdtemp(pattern);
    fifo_ = dir_ + "/fifo";
    EXPECT_EQ(::mkfifo(fifo_.c_str(), 0600), 0);
  }
  ~FifoTest() override {
    ::unlink(fifo_.c_str());
    ::rmdir(dir_.c_str());
  }
  std::string dir_;
  std::string fifo_;
};

TEST_F(FifoTest, AnOutputWithoutAReaderOpensAtOnceAndNeverBreaks) {
  OutputEnd end;
  ASSERT_TRUE(OpenOutput(fifo_, false, &end).ok());
  EXPECT_EQ(::fcntl(end.fd.get(), F_GETFL) & O_NONBLOCK, 0);
  // The guard is its reader: no EPIPE.
  EXPECT_EQ(::write(end.fd.get(), "x", 1), 1);
}

TEST_F(FifoTest, AnInputEndsOnlyWithItsGuard) {
  InputEnd end;
  ASSERT_TRUE(OpenInput(fifo_, true, &end).ok());
  char byte = 0;
  EXPECT_EQ(::read(end.fd.get(), &byte, 1), -1);  // EAGAIN: the client may come later
  EXPECT_EQ(errno, EAGAIN);
  end.guard.Reset();
  EXPECT_EQ(::read(end.fd.get(), &byte, 1), 0);
}

TEST_F(FifoTest, AMissingPathIsAnErrorThatNamesIt) {
  OutputEnd end;
  const Status status = OpenOutput(dir_ + "/missing", false, &end);
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message.find("/missing"), std::string::npos);
}

TEST_F(FifoTest, FileOutputsAreMadeAndAppendedTo) {
  const std::string path = dir_ + "/sub/deep/log";
  OutputEnd end;
  ASSERT_TRUE(OpenFileOutput(path, &end).ok());
  EXPECT_NE(::fcntl(end.fd.get(), F_GETFL) & O_APPEND, 0);
  ::unlink(path.c_str());
  ::rmdir((dir_ + "/sub/deep").c_str());
  ::rmdir((dir_ + "/sub").c_str());
  EXPECT_FALSE(OpenFileOutput("relative", &end).ok());
}

}  // namespace
}  // namespace vortex::shim
