// SPDX-License-Identifier: Apache-2.0
// What Client::Connect says about each of the usual mistakes.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "client/client.h"
#include "support/status_matchers.h"
#include "unit/client/fake_containerd.h"

namespace vortex::client {
namespace {

using ::testing::HasSubstr;
using vortex::testing::FakeContainerd;
using vortex::testing::IsOk;
using vortex::testing::StatusIs;

class ConnectTest : public ::testing::Test {
 protected:
  ConnectTest() {
    char name[] = "/tmp/vortex-conn-XXXXXX";
    dir_ = ::mkdtemp(name);
    path_ = dir_ + "/c.sock";
  }
  ~ConnectTest() override { std::filesystem::remove_all(dir_); }

  // A bound socket at path_; listens when told to, and never answers.
  base::UniqueFd Bind(bool listen) {
    base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path_.copy(name.sun_path, sizeof name.sun_path - 1);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name), 0);
    if (listen) {
      EXPECT_EQ(::listen(fd.get(), 5), 0);
    }
    return fd;
  }
  absl::Status Try(const std::string& address,
                   const std::string& containerd_namespace = "default") {
    return Client::Connect({.address = address,
                            .containerd_namespace = containerd_namespace,
                            .timeout = std::chrono::milliseconds(300)})
        .status();
  }

  std::string dir_;
  std::string path_;
};

TEST_F(ConnectTest, NoSuchSocket) {
  EXPECT_THAT(Try(path_),
              StatusIs(absl::StatusCode::kNotFound,
                       HasSubstr("connect to containerd at " + path_ + ": no such socket")));
  EXPECT_THAT(Try(dir_ + "/no/dir"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no such socket")));
}

TEST_F(ConnectTest, NotASocket) {
  std::ofstream(path_) << "text";
  EXPECT_THAT(Try(path_),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("a file, not a socket")));
  EXPECT_THAT(Try(dir_),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("a directory, not")));
}

TEST_F(ConnectTest, NobodyListens) {
  const auto bound = Bind(/*listen=*/false);
  EXPECT_THAT(Try(path_), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("nobody listens")));
}

TEST_F(ConnectTest, ASilentListener) {
  const auto silent = Bind(/*listen=*/true);
  const auto before = std::chrono::steady_clock::now();
  EXPECT_THAT(Try(path_), StatusIs(absl::StatusCode::kUnavailable, HasSubstr("does not answer")));
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
}

TEST_F(ConnectTest, NoPermission) {
  const auto silent = Bind(/*listen=*/true);
  std::filesystem::permissions(path_, std::filesystem::perms::none);
  if (::geteuid() != 0) {
    EXPECT_THAT(Try(path_),
                StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("may not be opened")));
    return;
  }
  // Root may open everything: look as somebody else. seteuid(2) concerns all threads; gRPC's need
  // nothing.
  std::filesystem::permissions(dir_, static_cast<std::filesystem::perms>(0755));
  ASSERT_EQ(::seteuid(65534), 0);
  const absl::Status status = Try(path_);
  ASSERT_EQ(::seteuid(0), 0);
  EXPECT_THAT(status,
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("may not be opened")));
}

TEST_F(ConnectTest, Addresses) {
  for (const std::string address : {"", "relative.sock", "tcp://127.0.0.1:1", "http:/x"})
    EXPECT_THAT(Try(address),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("absolute path")))
        << address;
  EXPECT_THAT(Try("/" + std::string(108, 'x')),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("has at most 107")));
  EXPECT_THAT(Try(std::string("/a\0b", 4)),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("zero byte")));
  FakeContainerd fake;
  EXPECT_THAT(Try(fake.address()), IsOk());
  EXPECT_THAT(Try("unix:" + fake.address()), IsOk());
  EXPECT_THAT(Try("unix://" + fake.address()), IsOk());
}

TEST_F(ConnectTest, Namespaces) {
  FakeContainerd fake;
  for (const std::string good : {"a", "k8s.io", "A-b_c.d9", "9"})
    EXPECT_THAT(Try(fake.address(), good), IsOk());
  EXPECT_THAT(Try(fake.address(), std::string(76, 'n')), IsOk());
  for (const std::string bad : {"", "-a", "a-", "a..b", "a/b", "a b", "ä", "a\n"})
    EXPECT_THAT(Try(fake.address(), bad),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("containerd namespace")))
        << bad;
  EXPECT_THAT(Try(fake.address(), std::string(77, 'n')),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("76")));
}

TEST_F(ConnectTest, CancelEndsIt) {
  const auto silent = Bind(/*listen=*/true);
  base::Cancellation cancel;
  cancel.Cancel();
  EXPECT_THAT(Client::Connect({.address = path_, .cancel = &cancel}),
              StatusIs(absl::StatusCode::kCancelled, HasSubstr("connect to containerd")));
}

TEST_F(ConnectTest, InNamespaceSharesTheConnection) {
  FakeContainerd fake;
  VX_ASSERT_OK_AND_ASSIGN(const auto client, Client::Connect({.address = fake.address()}));
  VX_ASSERT_OK_AND_ASSIGN(const auto other, client->InNamespace("other"));
  EXPECT_THAT(other->images().List(), IsOk());
  EXPECT_EQ(fake.seen_namespace, "other");
  EXPECT_EQ(other->options().containerd_namespace, "other");
  EXPECT_THAT(client->images().List(), IsOk());
  EXPECT_EQ(fake.seen_namespace, "default");
  EXPECT_THAT(client->InNamespace("not good"),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not good")));
}

}  // namespace
}  // namespace vortex::client
