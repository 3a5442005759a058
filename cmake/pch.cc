// The precompiled header wants a file of its own.
