"""The section `validate`."""

from evergreen.config.section import Section, Share


class ValidateParams(Section):
    """What validation tolerates."""

    max_bad_share: Share
    """more quarantined rows than this share stop the run"""
