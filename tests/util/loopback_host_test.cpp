#include "util/loopback_host.h"

#include <gtest/gtest.h>

namespace mailmoor {
namespace {

TEST(LoopbackHost, ThisMachine_IsKnownByEachOfItsNames) {
  for (const std::string_view host : {"localhost", "LocalHost", "127.0.0.1", "127.8.9.1", "127.255.255.255", "::1"})
    EXPECT_TRUE(is_loopback_host(host)) << host;
}

TEST(LoopbackHost, WhateverMayMeanAnotherMachine_IsNone) {
  for (const std::string_view host : {"",
                                      "127",
                                      "127.",
                                      "127.1",
                                      "127.0.0",
                                      "127.0.0.",
                                      "127.0.0.1.",
                                      "127.0.0.256",
                                      "127.0.0.0001",
                                      "127.0.0.01",
                                      "127..0.1",
                                      "127.0.0.1.example.org",
                                      "127.example.org",
                                      "localhost.example.org",
                                      "128.0.0.1",
                                      "0.0.0.0",
                                      "::",
                                      "[::1]",
                                      "::2",
                                      "127.0.0.-1",
                                      "127.0.0.1 "})
    EXPECT_FALSE(is_loopback_host(host)) << host;
}

} // namespace
} // namespace mailmoor
