// What stands before main on a Cortex-M without an operating system, and the end by semihosting that qemu understands.
extern "C" {
extern unsigned data_begin[], data_end[], data_from[], bss_begin[], bss_end[], stack_top[];
int main();
[[noreturn]] void reset();
[[noreturn]] void fault();
}

__attribute__((section(".vectors"), used)) void (*const vectors[])() = {
    reinterpret_cast<void (*)()>(stack_top), reset, fault, fault, fault, fault, fault};

[[noreturn]] static void end(int status) {
  register unsigned operation asm("r0") = 0x18;                          // SYS_EXIT
  register unsigned reason asm("r1") = status == 0 ? 0x20026 : 0x20023;  // application exit, run-time error
  asm volatile("bkpt 0xab" : : "r"(operation), "r"(reason));
  for (;;) continue;
}

extern "C" [[noreturn]] void reset() {
  for (unsigned *to = data_begin, *from = data_from; to != data_end;) *to++ = *from++;
  for (unsigned* to = bss_begin; to != bss_end;) *to++ = 0;
  *reinterpret_cast<volatile unsigned*>(0xe000ed88) |= 0xf00000;  // the floating-point unit
  asm volatile("dsb\n isb");
  end(main());
}
extern "C" [[noreturn]] void fault() { end(1); }
