"""Small networks as torch and paddle twins, with planted faults and innocent differences."""
