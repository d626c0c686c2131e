// What a call has thrown.
#pragma once

#include <stdexcept>
#include <string>

/// The message with which f() throws an Error, "" where it does not throw.
template <class Error = std::invalid_argument, class F> std::string message_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}
