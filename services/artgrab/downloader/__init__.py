"""The gRPC server that fetches candidates, keeps pictures and says what became of each."""
