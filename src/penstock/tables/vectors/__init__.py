"""Lists by nearness to a vector, alone or together with words: parameters, plan and statement."""
