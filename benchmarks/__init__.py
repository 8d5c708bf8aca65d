"""Speed and memory beside what a user would use instead; each benchmark writes its own results."""
