console.error("gen: pending");
