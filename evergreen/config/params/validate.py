"""The section `validate`."""

from evergreen.config.section import Section, Share


class ValidateParams(Section):
    """`max_bad_share`: above this share of quarantined rows the run stops."""

    max_bad_share: Share
