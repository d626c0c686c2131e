// Plug-ins of one host: of different versions they do not know of each other, and one that is unloaded leaves no
// thread. PLUGIN, PLUGIN_OF_OTHER_VERSION and PLUGIN_TO_UNLOAD are their files.
#include <atomic>
#include <cstring>
#include <dlfcn.h>
#include <string>
#include <thread>

#include "child.hpp"

namespace {

struct Plugin {
  void* handle;
  int (*run)(int) = function<int(int)>("run");
  void (*set_threads)(int) = function<void(int)>("set_threads");
  int (*threads)() = function<int()>("threads");
  void (*set_plain)() = function<void()>("set_plain");
  int (*is_plain)() = function<int()>("is_plain");
  const char* (*version)() = function<const char*()>("version");

  explicit Plugin(const char* file) : handle(dlopen(file, RTLD_NOW | RTLD_LOCAL)) {
    if (handle == nullptr) {
      std::puts(dlerror());
      std::exit(1);
    }
  }

 private:
  template <class F> F* function(const char* name) const {
    return handle != nullptr ? reinterpret_cast<F*>(dlsym(handle, name)) : nullptr;
  }
};

/// Lines of a file of /proc/self in which a text occurs.
int lines_with(const char* file, const char* text) {
  int n = 0;
  std::FILE* lines = std::fopen(file, "r");
  char line[4096];
  while (lines != nullptr && std::fgets(line, sizeof line, lines) != nullptr) n += std::strstr(line, text) != nullptr;
  if (lines != nullptr) std::fclose(lines);
  return n;
}
bool is_loaded(const char* file) { return lines_with("/proc/self/maps", file) > 0; }
bool has_threads(int n) {
  return lines_with("/proc/self/status", ("Threads:\t" + std::to_string(n) + "\n").c_str()) == 1;
}

}  // namespace

int main() {
  process::Checks check;
  check("two versions in one process", process::in_child([] {
                                         const Plugin a(PLUGIN), b(PLUGIN_OF_OTHER_VERSION);
                                         if (std::strcmp(a.version(), b.version()) == 0) return 1;
                                         a.set_threads(2);
                                         b.set_threads(4);
                                         if (a.threads() != 2 || b.threads() != 4) return 2;
                                         if (a.run(8) != 8 || b.run(8) != 8) return 3;
                                         if (!has_threads(1 + 1 + 3)) return 4;
                                         a.set_threads(1);
                                         if (b.threads() != 4 || b.run(8) != 8) return 5;
                                         a.set_plain();
                                         return b.is_plain() == 0 ? 7 : 6;
                                       }) == 7);
  check("two versions at exit, at work in other threads", process::in_child([] {
                                                            static const Plugin a(PLUGIN), b(PLUGIN_OF_OTHER_VERSION);
                                                            for (const Plugin* plugin : {&a, &b}) {
                                                              plugin->set_threads(3);
                                                              std::thread([plugin] {
                                                                for (;;) plugin->run(100);
                                                              }).detach();
                                                            }
                                                            usleep(20000);
                                                            return 7;
                                                          }) == 7);
  check("two versions in a child", process::in_child([] {
                                     const Plugin a(PLUGIN), b(PLUGIN_OF_OTHER_VERSION);
                                     for (const Plugin* plugin : {&a, &b}) {
                                       plugin->set_threads(3);
                                       plugin->run(8);
                                     }
                                     return process::in_child([&] { return a.run(8) == 8 && b.run(8) == 8 ? 7 : 1; });
                                   }) == 7);
  check("a plug-in that is unloaded and loaded again",
        process::in_child([] {
          const Plugin other(PLUGIN);
          other.set_threads(3);
          std::atomic<bool> over = false;
          std::thread computing([&] {
            while (!over) other.run(100);
          });
          for (int k = 0; k < 30; ++k) {
            const Plugin plugin(PLUGIN_TO_UNLOAD);
            plugin.set_threads(4);
            if (plugin.run(100) != 100) return 1;
            dlclose(plugin.handle);
            if (is_loaded(PLUGIN_TO_UNLOAD)) return 2;
          }
          over = true;
          computing.join();
          if (!has_threads(1 + 2)) return 3;
          return process::in_child([&] { return other.run(8) == 8 ? 7 : 1; });
        }) == 7);
  return check.end();
}
