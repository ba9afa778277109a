# find_package(memtrack) gives the targets memtrack::memtrack (the shared library) and memtrack::static.
get_filename_component(memtrack_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

if(NOT TARGET memtrack::memtrack)
  find_package(Threads REQUIRED)
  add_library(memtrack::memtrack SHARED IMPORTED)
  set_target_properties(memtrack::memtrack PROPERTIES
    IMPORTED_LOCATION "${memtrack_prefix}/lib/libmemtrack.so"
    IMPORTED_SONAME "libmemtrack.so"
    INTERFACE_INCLUDE_DIRECTORIES "${memtrack_prefix}/include")
  add_library(memtrack::static STATIC IMPORTED)
  set_target_properties(memtrack::static PROPERTIES
    IMPORTED_LOCATION "${memtrack_prefix}/lib/libmemtrack.a"
    INTERFACE_INCLUDE_DIRECTORIES "${memtrack_prefix}/include"
    INTERFACE_LINK_LIBRARIES "Threads::Threads;${CMAKE_DL_LIBS};m")
endif()
