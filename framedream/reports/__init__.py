"""Pictures and pages to look at: batch reports, contact sheets, feature maps."""
