// A poll by a native call: as an addon for N-API, as plain C for koffi, Deno.dlopen and bun:ffi.

#include <stddef.h>
#include <stdint.h>

typedef struct env *Env;
typedef struct value *Value;
typedef struct info *Info;

extern int napi_create_int32(Env, int32_t, Value *);
extern int napi_create_function(Env, const char *, size_t, Value (*)(Env, Info), void *, Value *);

static int32_t flag;

int32_t flag_load(void) { return __atomic_load_n(&flag, __ATOMIC_SEQ_CST); }

static Value load(Env env, Info info) {
    (void)info;
    Value result;
    napi_create_int32(env, flag_load(), &result);
    return result;
}

Value napi_register_module_v1(Env env, Value exports) {
    (void)exports;
    Value function;
    napi_create_function(env, "load", 4, load, NULL, &function);
    return function;
}
