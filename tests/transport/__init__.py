"""Tests of server/transport: the slim protocol and the HTTP protocol around it, on real sockets."""
