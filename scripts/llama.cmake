# Included by llama.cpp's build after each project(), see .cargo/config.toml.
#
# GCC 12 drops the stores that fill a tile configuration before `_tile_loadconfig`: its inline assembly names
# eight of the 64 bytes it reads. On a processor with AMX the first matrix product then ends the process with a
# general protection fault. Without the AMX kernels llama.cpp takes its AVX-512 ones.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  include(CheckCXXCompilerFlag)
  check_cxx_compiler_flag("-mno-amx-tile -mno-amx-int8 -mno-amx-bf16" NASC_CAN_LEAVE_AMX)
  if(NASC_CAN_LEAVE_AMX)
    add_compile_options("$<$<COMPILE_LANGUAGE:C,CXX>:-mno-amx-tile;-mno-amx-int8;-mno-amx-bf16>")
  endif()
endif()
